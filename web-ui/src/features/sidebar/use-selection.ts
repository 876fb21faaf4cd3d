import { useCallback, useMemo, useState } from "react";
import type { KeyboardEvent } from "react";

export interface Selection {
  isOn: boolean;
  ids: ReadonlySet<string>;
  begin(id?: string): void;
  toggle(id: string): void;
  add(ids: string[]): void;
  end(): void;
  /** Escape ends it. */
  leave(event: KeyboardEvent): void;
}

/** Which conversations are chosen to do something with together. */
export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string> | null>(null);
  const begin = useCallback((id?: string) => setIds(new Set(id === undefined ? [] : [id])), []);
  const toggle = useCallback(
    (id: string) =>
      setIds((chosen) => {
        const next = new Set(chosen);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const add = useCallback((more: string[]) => setIds((chosen) => new Set([...(chosen ?? []), ...more])), []);
  const end = useCallback(() => setIds(null), []);
  const isOn = ids !== null;
  const leave = useCallback(
    (event: KeyboardEvent) => {
      if (!isOn || event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      end();
    },
    [isOn, end],
  );
  return useMemo(
    () => ({ isOn, ids: ids ?? new Set<string>(), begin, toggle, add, end, leave }),
    [isOn, ids, begin, toggle, add, end, leave],
  );
}
