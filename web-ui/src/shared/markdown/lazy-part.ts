import { useEffect, useState } from "react";

/** A part of the program that is fetched when it is first shown. */
export type LazyPart<T> = {
  /** The part if it is here already. */
  peek: () => T | null;
  load: () => Promise<T>;
};

export function makeLazyPart<T>(fetchPart: () => Promise<T>): LazyPart<T> {
  let value: T | null = null;
  let loading: Promise<T> | null = null;
  const load = () => {
    loading ??= fetchPart().then(
      (part) => (value = part),
      (reason: unknown) => {
        loading = null; // the network may be back when the next one asks
        throw reason;
      },
    );
    return loading;
  };
  return { peek: () => value, load };
}

/** The part, or null until it has arrived; what cannot be fetched stays null. */
export function useLazyPart<T>(part: LazyPart<T> | null): T | null {
  const [, setArrived] = useState(0);
  useEffect(() => {
    if (!part || part.peek() !== null) return;
    let isWanted = true;
    part.load().then(
      () => isWanted && setArrived((count) => count + 1),
      () => undefined,
    );
    return () => {
      isWanted = false;
    };
  }, [part]);
  return part ? part.peek() : null;
}
