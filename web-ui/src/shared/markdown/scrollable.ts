import { useEffect, useRef, useState } from "react";

/** Props that make an element reachable by keyboard while its content is wider than itself. */
export function useScrollable<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [isWide, setIsWide] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element || typeof ResizeObserver === "undefined") return;
    const measure = () => setIsWide(element.scrollWidth > element.clientWidth + 1);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);
  return { ref, tabIndex: isWide ? 0 : undefined };
}
