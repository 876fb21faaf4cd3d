import { useCallback, useEffect, useRef, useState } from "react";

const NEAR_PX = 48;
const BY_HAND_MS = 1000; // a flick on a touch screen goes on for about that long
const BY_HAND = ["wheel", "touchmove", "keydown"] as const;
const LET_GO = ["pointerup", "pointercancel"] as const;

/**
 * Keeps the end of a growing list in view while the reader is there, and lets go as soon as they scroll up.
 * `scroller` scrolls, `inner` is what grows. Rows that are measured move the list as well: while its height
 * changes, only what comes with a hand on wheel, screen, keys or scrollbar counts as the reader's own scrolling.
 */
export function useFollowEnd() {
  const scroller = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const lastTop = useRef(0);
  const lastHeight = useRef(0);
  const touchedAt = useRef(-BY_HAND_MS);
  const [isAtEnd, setIsAtEnd] = useState(true);

  const pin = useCallback(() => {
    const element = scroller.current;
    if (!element || !isFollowing.current) return;
    element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
    lastHeight.current = element.scrollHeight;
  }, []);

  const toEnd = useCallback(() => {
    isFollowing.current = true;
    setIsAtEnd(true);
    pin();
  }, [pin]);

  const letGo = useCallback(() => {
    isFollowing.current = false;
  }, []);

  /** True while the end is followed. */
  const noteScroll = useCallback((): boolean => {
    const element = scroller.current;
    if (!element) return isFollowing.current;
    if (gapOf(element) < NEAR_PX) isFollowing.current = true;
    else if (element.scrollTop < lastTop.current - 1) {
      const isByHand = performance.now() - touchedAt.current < BY_HAND_MS;
      if (isByHand || element.scrollHeight === lastHeight.current) isFollowing.current = false;
    }
    lastTop.current = element.scrollTop;
    lastHeight.current = element.scrollHeight;
    setIsAtEnd(isFollowing.current);
    return isFollowing.current;
  }, []);

  /** What is being written in, a message that is edited, stays where it is while an answer grows below it. */
  const grow = useCallback(() => {
    const element = scroller.current;
    if (!element || !isWrittenIn(element)) return pin();
    letGo();
    setIsAtEnd(gapOf(element) < NEAR_PX);
  }, [letGo, pin]);

  useEffect(() => {
    const observer = new ResizeObserver(grow);
    for (const element of [inner.current, scroller.current]) if (element) observer.observe(element);
    return () => observer.disconnect();
  }, [grow]);

  useEffect(() => {
    const element = scroller.current;
    const touch = () => {
      touchedAt.current = performance.now();
    };
    const hold = () => {
      touchedAt.current = Number.POSITIVE_INFINITY;
    };
    for (const kind of BY_HAND) element?.addEventListener(kind, touch, { passive: true });
    element?.addEventListener("pointerdown", hold);
    for (const kind of LET_GO) addEventListener(kind, touch);
    return () => {
      for (const kind of BY_HAND) element?.removeEventListener(kind, touch);
      element?.removeEventListener("pointerdown", hold);
      for (const kind of LET_GO) removeEventListener(kind, touch);
    };
  }, []);

  return { scroller, inner, isAtEnd, toEnd, letGo, noteScroll };
}

function gapOf(element: HTMLElement): number {
  return element.scrollHeight - element.scrollTop - element.clientHeight;
}

function isWrittenIn(element: HTMLElement): boolean {
  return document.activeElement instanceof HTMLTextAreaElement && element.contains(document.activeElement);
}
