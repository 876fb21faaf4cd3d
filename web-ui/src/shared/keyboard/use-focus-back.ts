import { useLayoutEffect } from "react";
import type { RefObject } from "react";

/** Gives the focus back to what had it before, when a part of the page goes while the focus is within. */
export function useFocusBack(part: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const element = part.current;
    const before = document.activeElement;
    return () => {
      if (!element?.contains(document.activeElement) || !(before instanceof HTMLElement)) return;
      if (before.isConnected) before.focus({ preventScroll: true });
    };
  }, [part]);
}
