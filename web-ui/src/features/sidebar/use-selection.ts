import { useCallback, useMemo, useState } from "react";

export interface Selection {
  isOn: boolean;
  ids: ReadonlySet<string>;
  begin(id?: string): void;
  toggle(id: string): void;
  add(ids: string[]): void;
  end(): void;
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
  return useMemo(() => ({ isOn: ids !== null, ids: ids ?? new Set(), begin, toggle, add, end }), [ids, begin, toggle, add, end]);
}
