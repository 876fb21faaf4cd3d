import { useLayoutEffect, useRef, useState } from "react";

/** Used until the element can be measured. */
const ASSUMED_HEIGHT = 600;

/** The height of the element that gets `ref`, in whole pixels. */
export function useHeight<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [height, setHeight] = useState(ASSUMED_HEIGHT);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element || typeof ResizeObserver === "undefined") return;
    const measure = () => setHeight(Math.max(1, Math.floor(element.clientHeight)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return { ref, height };
}
