import { useCallback } from "react";

import { createKept } from "@/shared/data/tab-storage";

const useForms = createKept<Readonly<Record<string, unknown>>>("forms");

export interface Kept<Value> {
  value: Value;
  /** Something was written and neither saved nor discarded. */
  isKept: boolean;
  write(value: Value): void;
  /** It is saved, or not wanted: the form begins anew. */
  drop(): void;
}

/**
 * What is written in a form, by the form's `name`: it outlives the form, other pages and a reload of this tab, until it
 * is dropped. It begins with `start`.
 */
export function useKept<Value>(name: string, start: Value): Kept<Value> {
  const kept = useForms((forms) => forms[name]) as Value | undefined;
  const write = useCallback((value: Value) => useForms.setState({ [name]: value }), [name]);
  const drop = useCallback(() => {
    const { [name]: _dropped, ...rest } = useForms.getState();
    useForms.setState(rest, true);
  }, [name]);
  return { value: kept ?? start, isKept: kept !== undefined, write, drop };
}
