import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { isGoing, useImportWish } from "@/features/exchange/exchange-data";
import { ImportReport } from "@/features/exchange/import-report";
import { count } from "@/shared/amounts/amounts";
import { Problem } from "@/shared/form/problem";
import { RowAction } from "@/shared/table/row-action";
import { fullTime } from "@/shared/time/format";
import { IconButton } from "@/shared/ui/icon-button";
import { ProgressBar } from "@/shared/ui/progress-bar";
import type { Import } from "@/shared/wire/resources";

/** One import: what of it is here, what is not, and what can be done with it. */
export function ImportRow({ found }: { found: Import }) {
  const { t, i18n } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const { mutate, isPending, error } = useImportWish();
  const wish = (what: "stop" | "resume" | "remove") => mutate({ id: found.id, wish: what });
  const hasReport = found.counts.skipped + found.counts.changed > 0;
  return (
    <li className="border-b border-line py-3">
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <h4 className="text-sm font-medium wrap-anywhere">{found.name}</h4>
          <p className="text-sm text-quiet">
            {[
              t(`exchange.status.${found.status}`),
              found.format && t(`exchange.format.${found.format}`),
              fullTime(found.created_at, i18n.language),
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
        {isGoing(found) && (
          <RowAction disabled={isPending} onClick={() => wish("stop")}>
            {t("exchange.stop")}
          </RowAction>
        )}
        {found.can_resume && (
          <RowAction disabled={isPending} onClick={() => wish("resume")}>
            {t("exchange.resume")}
          </RowAction>
        )}
        {hasReport && (
          <RowAction aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
            {t("exchange.report")}
          </RowAction>
        )}
        {!isGoing(found) && (
          <IconButton icon={Trash2} label={t("exchange.remove", { name: found.name })} onClick={() => wish("remove")} />
        )}
      </div>
      {isGoing(found) && (
        <div className="pt-2">
          <ProgressBar label={t("exchange.progress", { name: found.name })} done={found.done_bytes} total={found.total_bytes} />
        </div>
      )}
      <p className="pt-1 text-sm leading-6">{useSummary(found, (amount) => count(amount, i18n.language))}</p>
      <Problem text={found.error || error?.message} />
      {isOpen && <ImportReport found={found} />}
    </li>
  );
}

function useSummary({ counts, status }: Import, shown: (amount: number) => string): string {
  const { t } = useTranslation();
  if (status === "waiting") return "";
  const said = [t("exchange.imported", { conversations: shown(counts.conversations), messages: shown(counts.messages) })];
  if (counts.known_messages) said.push(t("exchange.known", { messages: shown(counts.known_messages) }));
  if (counts.skipped) said.push(t("exchange.skipped", { count: counts.skipped }));
  if (counts.changed) said.push(t("exchange.changed", { count: counts.changed }));
  return said.join(" ");
}
