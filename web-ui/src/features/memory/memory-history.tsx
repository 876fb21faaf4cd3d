import { useTranslation } from "react-i18next";

import { useHistory, useUndo } from "@/features/memory/memory-data";
import { i18n as words } from "@/shared/i18n/i18n";
import { RowAction } from "@/shared/table/row-action";
import { clock, shortDay } from "@/shared/time/format";
import { useToday } from "@/shared/time/use-today";
import { showWhenDone } from "@/shared/ui/toasts";
import type { Memory, MemoryVersion } from "@/shared/wire/memories";

/** What became of a memory, the newest first; each change can be taken back with those after it, and that is a change, too. */
export function MemoryHistory({ memory }: { memory: Memory }) {
  const { data, error } = useHistory(memory.id);
  if (error) return <p>{error.message}</p>;
  return (
    <ol className="flex flex-col gap-1.5">
      {data?.map((version, index) => (
        <Change key={version.version} id={memory.id} version={version} before={data[index + 1]} later={index} />
      ))}
    </ol>
  );
}

interface ChangeProps {
  id: string;
  version: MemoryVersion;
  before: MemoryVersion | undefined;
  /** How many changes came after it. */
  later: number;
}

function Change({ id, version, before, later }: ChangeProps) {
  const { t, i18n } = useTranslation();
  const now = useToday();
  const { mutateAsync, isPending } = useUndo();
  const at = `${shortDay(version.at, now, i18n.language)}, ${clock(version.at, i18n.language)}`;
  const undo = () => void showWhenDone(takeBack());
  const takeBack = async () => {
    const back = await mutateAsync({ id, version: version.version });
    const undoThat = () => void showWhenDone(mutateAsync({ id, version: back.version }).then(() => null));
    const count = back.undone_with.length; // also what was changed since this list was read
    return count > 0 ? { text: t("memory.later_undone", { count }), action: { label: t("memory.undo"), run: undoThat } } : null;
  };
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
        <RowAction className="min-h-6 text-xs" disabled={isPending} aria-label={t(later > 0 ? "memory.undo_from" : "memory.undo_change", { change: changeName(version.change), time: at })} onClick={undo}>
          {t(later > 0 ? "memory.as_before" : "memory.undo")}
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
