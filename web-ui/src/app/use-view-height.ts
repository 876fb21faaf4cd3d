import { useEffect } from "react";

/**
 * Keeps the page above the on-screen keyboard where the browser only moves its visual viewport (Safari on
 * iOS). A pinch changes that viewport as well: then the page stays as it is.
 */
export function useViewHeight(): void {
  useEffect(() => {
    const view = visualViewport;
    if (!view) return;
    const fit = () => {
      const isCovered = view.scale === 1 && innerHeight - view.height > 80;
      if (isCovered) document.documentElement.style.setProperty("--view-height", `${view.height}px`);
      else document.documentElement.style.removeProperty("--view-height");
      if (isCovered) scrollTo(0, 0);
    };
    view.addEventListener("resize", fit);
    return () => view.removeEventListener("resize", fit);
  }, []);
}
