import { useCallback, useMemo, useRef } from "react";
import type { FocusEvent } from "react";

import { isFocusLost } from "@/shared/keyboard/message-field";

/** Rows say by `data-conversation` which they are. */
function rowOf(element: Element): string | undefined {
  return element.closest<HTMLElement>("[data-conversation]")?.dataset.conversation;
}

/** The row itself, or of those after it, or before it, the nearest that is still there. */
function findHeir(row: string | undefined, before: string[], now: string[]): string | undefined {
  const place = before.indexOf(row ?? "");
  if (place < 0) return row;
  const left = new Set(now);
  const isLeft = (id: string) => left.has(id);
  return before.slice(place).find(isLeft) ?? before.slice(0, place).findLast(isLeft);
}

/**
 * Keeps the focus in the sidebar when what had it there is gone: it goes to the row that had it last, to the one that
 * stands in its place now, or to the first thing that is there.
 */
export function useKeptFocus() {
  const part = useRef<HTMLDivElement>(null);
  const isWithin = useRef(false);
  const row = useRef<string | undefined>(undefined);
  const ids = useRef<string[]>([]);

  const mend = useCallback(() => {
    requestAnimationFrame(() => {
      if (!isWithin.current || !isFocusLost()) return;
      const inRow = row.current && part.current?.querySelector<HTMLElement>(`[data-conversation="${CSS.escape(row.current)}"] :is(a, input)`);
      (inRow || part.current?.querySelector<HTMLElement>("nav :is(a, input), input"))?.focus();
    });
  }, []);
  const noteRows = useCallback(
    (next: string[]) => {
      row.current = findHeir(row.current, ids.current, next);
      ids.current = next;
      mend();
    },
    [mend],
  );
  const listeners = useMemo(
    () => ({
      onFocus: ({ target }: FocusEvent) => {
        isWithin.current = true;
        row.current = rowOf(target) ?? row.current;
      },
      // React is silent about what loses the focus by being removed: then it is still within
      onBlur: ({ relatedTarget }: FocusEvent) => {
        isWithin.current = part.current?.contains(relatedTarget) ?? false;
      },
    }),
    [],
  );
  return { part, ids, listeners, noteRows, mend };
}
