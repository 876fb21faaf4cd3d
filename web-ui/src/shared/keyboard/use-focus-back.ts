import { useLayoutEffect } from "react";
import type { RefObject } from "react";

/**
 * Gives the focus back to what had it before, when a part of the page goes while the focus is within; where that was
 * nothing or is gone, to what `orElse` finds.
 */
export function useFocusBack(part: RefObject<HTMLElement | null>, orElse?: () => HTMLElement | null): void {
  useLayoutEffect(() => {
    const element = part.current;
    const before = document.activeElement;
    return () => {
      if (!element?.contains(document.activeElement)) return;
      const isThere = before instanceof HTMLElement && before.isConnected && before !== document.body;
      (isThere ? before : orElse?.())?.focus({ preventScroll: true });
    };
  }, [part, orElse]);
}
