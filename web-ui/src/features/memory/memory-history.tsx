import { useTranslation } from "react-i18next";

import { useHistory, useUndo } from "@/features/memory/memory-data";
import { i18n as words } from "@/shared/i18n/i18n";
import { RowAction } from "@/shared/table/row-action";
import { clock, shortDay } from "@/shared/time/format";
import { useToday } from "@/shared/time/use-today";
import { showToast } from "@/shared/ui/toasts";
import type { Memory, MemoryVersion } from "@/shared/wire/memories";

/** What became of a memory, the newest first; each change can be taken back, and that is a change, too. */
export function MemoryHistory({ memory }: { memory: Memory }) {
  const { data, error } = useHistory(memory.id);
  if (error) return <p>{error.message}</p>;
  return (
    <ol className="flex flex-col gap-1.5">
      {data?.map((version, index) => (
        <Change key={version.version} id={memory.id} version={version} before={data[index + 1]} />
      ))}
    </ol>
  );
}

function Change({ id, version, before }: { id: string; version: MemoryVersion; before: MemoryVersion | undefined }) {
  const { t, i18n } = useTranslation();
  const now = useToday();
  const { mutate, isPending } = useUndo();
  const at = `${shortDay(version.at, now, i18n.language)}, ${clock(version.at, i18n.language)}`;
  const undo = () => mutate({ id, version: version.version }, { onError: (error) => showToast(error.message) });
  return (
    <li className="flex items-start gap-2">
      <div className="min-w-0 flex-1">
        <p className="text-xs leading-5 text-quiet">
          <span className="font-medium text-soft">{changeName(version.change)}</span> · {t(`memory.actor.${version.actor}`)} ·{" "}
          <time dateTime={new Date(version.at).toISOString()}>{at}</time>
        </p>
        {before && before.text !== version.text && (
          <p dir="auto" className="leading-5 wrap-anywhere text-quiet line-through decoration-line-strong">
            {before.text}
          </p>
        )}
      </div>
      {before && (
        <RowAction className="min-h-6 text-xs" disabled={isPending} aria-label={t("memory.undo_change", { change: changeName(version.change), time: at })} onClick={undo}>
          {t("memory.undo")}
        </RowAction>
      )}
    </li>
  );
}

/** A change that a newer server knows and this page does not is shown by its own name. */
function changeName(change: string): string {
  const key = `memory.change.${change}`;
  return words.exists(key) ? words.t(key) : change;
}
