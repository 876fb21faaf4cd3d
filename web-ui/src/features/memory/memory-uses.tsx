import { useTranslation } from "react-i18next";

import { useUses } from "@/features/memory/memory-data";
import { Jump } from "@/features/memory/memory-line";
import { Why } from "@/shared/recall/why";
import { More } from "@/shared/table/more";
import { fullTime } from "@/shared/time/format";
import type { Memory } from "@/shared/wire/memories";

/** The answers that a memory was recalled for, and why it was. */
export function MemoryUses({ memory }: { memory: Memory }) {
  const { t, i18n } = useTranslation();
  const query = useUses(memory.id, memory.used !== null);
  if (memory.used === null) return <p className="text-quiet">{t("memory.never_used")}</p>;
  if (query.error) return <p>{query.error.message}</p>;
  return (
    <>
      <ul className="flex flex-col gap-3">
        {query.data?.pages
          .flatMap((page) => page.uses)
          .map((use) => (
            <li key={use.turn} className="flex flex-col gap-0.5">
              <p className="flex flex-wrap items-center gap-x-3 text-xs text-quiet">
                <Jump conversation={use.conversation} message={use.message}>
                  {use.title || t("sidebar.untitled")}
                </Jump>
                <time dateTime={new Date(use.at).toISOString()}>{fullTime(use.at, i18n.language)}</time>
              </p>
              <Why signals={use.signals} />
            </li>
          ))}
      </ul>
      <More query={query} />
    </>
  );
}
