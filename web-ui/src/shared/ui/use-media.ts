import { useCallback, useSyncExternalStore } from "react";

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (notify: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", notify);
      return () => media.removeEventListener("change", notify);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

/** Below this the sidebar slides over the page instead of standing beside it. */
export const NARROW = "(max-width: 767px)";

/** Below this there is no room for a drawer beside sidebar and text: it slides over the page. */
export const TIGHT = "(max-width: 1099px)";
