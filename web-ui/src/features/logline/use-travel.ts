import { useRef, useState, type FocusEvent, type KeyboardEvent, type PointerEvent } from "react";
import { findDay, findNearest, type LogLineLayout } from "./layout";
import type { LogLineEntry } from "./types";

/** Where a key leads from `index`, or null for keys that mean nothing here. */
export function findTarget(key: string, entries: readonly LogLineEntry[], index: number): number | null {
  const last = entries.length - 1;
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return Math.min(index + 1, last);
    case "ArrowUp":
    case "ArrowLeft":
      return Math.max(index - 1, 0);
    case "PageDown":
      return findDay(entries, index, 1);
    case "PageUp":
      return findDay(entries, index, -1);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

/** Pointer and keys on the line. `pointed` is the index under the pointer or the focus, else null. */
export function useTravel(
  entries: readonly LogLineEntry[],
  layout: LogLineLayout,
  active: number,
  onTravel: (id: string) => void,
) {
  const [pointed, setPointed] = useState<number | null>(null);
  const [isByKey, setIsByKey] = useState(false);
  const isDragging = useRef(false);
  const travelled = useRef(-1);

  const travelTo = (index: number) => {
    const entry = entries[index];
    setPointed(index);
    if (!entry || index === travelled.current) return;
    travelled.current = index;
    onTravel(entry.id);
  };
  const indexAt = (event: PointerEvent<HTMLElement>) =>
    findNearest(layout.places, event.clientY - event.currentTarget.getBoundingClientRect().top);
  const leave = () => {
    isDragging.current = false;
    travelled.current = -1;
    setPointed(null);
  };

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture?.(event.pointerId);
    isDragging.current = true;
    travelled.current = -1;
    setIsByKey(false);
    travelTo(indexAt(event));
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    setIsByKey(false);
    if (isDragging.current) travelTo(indexAt(event));
    else setPointed(indexAt(event));
  };
  const onPointerUp = () => {
    isDragging.current = false;
  };
  const onPointerLeave = () => {
    if (!isDragging.current) leave();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const from = isByKey && pointed !== null ? pointed : Math.max(active, 0);
    const target = findTarget(event.key, entries, from);
    if (target === null) return;
    event.preventDefault();
    setIsByKey(true);
    travelled.current = -1;
    travelTo(target);
  };
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    if (!event.currentTarget.matches(":focus-visible") || active < 0) return;
    setIsByKey(true);
    setPointed(active);
  };
  return {
    pointed,
    /** The index that the keyboard has reached; the page may still be on its way there. */
    reached: isByKey && pointed !== null ? pointed : active,
    handlers: {
      onPointerDown,
      onPointerMove,
      onPointerUp,
      onPointerCancel: leave,
      onPointerLeave,
      onKeyDown,
      onFocus,
      onBlur: leave,
    },
  };
}
