import { useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { dropForgotten, useForgotten } from "@/features/memory/forgotten";
import type { Forgotten } from "@/features/memory/forgotten";
import { useUndo } from "@/features/memory/memory-data";
import { RowAction } from "@/shared/table/row-action";
import { clock } from "@/shared/time/format";
import { offerWayBack, showToast } from "@/shared/ui/toasts";

/** The memories that were forgotten a moment ago, each with its way back and for how long there is one. */
export function ForgottenList() {
  const { t } = useTranslation();
  const forgotten = useForgotten((state) => state.forgotten);
  if (forgotten.length === 0) return null;
  return (
    <ul aria-label={t("memory.forgotten")} className="flex flex-col gap-2">
      {forgotten.map((entry, index) => (
        <ForgottenRow key={entry.id} entry={entry} isLatest={index === 0} />
      ))}
    </ul>
  );
}

function ForgottenRow({ entry, isLatest }: { entry: Forgotten; isLatest: boolean }) {
  const { t, i18n } = useTranslation();
  const { mutate, isPending } = useUndo();
  const button = useRef<HTMLButtonElement>(null);
  const { id, text, version, until, place } = entry;
  useEffect(() => {
    if (isLatest && !document.activeElement?.matches("input, textarea")) button.current?.focus(); // its row is gone
    const timer = setTimeout(() => dropForgotten(id), Math.max(0, until - Date.now()));
    return () => clearTimeout(timer);
  }, [id, until, isLatest]);
  const undo = useCallback(() => {
    mutate({ id, version }, { onSuccess: () => dropForgotten(id), onError: (error) => showToast(error.message) });
  }, [id, version, mutate]);
  useEffect(() => (isPending ? undefined : offerWayBack(place, undo)), [place, undo, isPending]);
  return (
    <li className="flex flex-wrap items-center gap-x-3 rounded-md bg-sunken py-1.5 pr-2 pl-4 text-sm text-quiet">
      <span className="min-w-0 flex-1 basis-48 truncate">{t("memory.forgotten_one", { text })}</span>
      <span className="text-xs">{t("memory.undo_until", { time: clock(until, i18n.language) })}</span>
      <RowAction ref={button} disabled={isPending} onClick={undo}>
        {t("memory.undo")}
      </RowAction>
    </li>
  );
}
