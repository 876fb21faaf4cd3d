import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { createKept } from "@/shared/data/tab-storage";
import { showToast } from "@/shared/ui/toasts";

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

/** Drops what is written, with a way back: `write` opens the form again where the form is shown while it `isKept`. */
export function useDiscard<Value>({ value, isKept, write, drop }: Kept<Value>): () => void {
  const { t } = useTranslation();
  return () => {
    drop();
    if (isKept) showToast(t("form.discarded"), { label: t("form.undo"), run: () => write(value) });
  };
}
