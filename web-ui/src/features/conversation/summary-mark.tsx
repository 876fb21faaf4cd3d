import { Brackets } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Floating } from "@/shared/ui/floating";
import type { Summary } from "@/shared/wire/resources";

/** Above the messages that the model now sees as a summary: they are all still there, and the summary can be read. */
export function SummaryMark({ summary }: { summary: Summary }) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div className="flex items-center gap-3 pt-5 text-xs text-quiet">
      <span aria-hidden className="h-px flex-1 bg-line" />
      <Floating
        label={t("conversation.summary")}
        open={isOpen}
        onOpenChange={setIsOpen}
        className="max-h-[50vh] w-[min(32rem,calc(100vw-1rem))] p-4 text-sm leading-6"
        trigger={(props) => (
          <button
            {...props}
            type="button"
            className="inline-flex min-h-7 items-center gap-1.5 rounded-sm px-2 font-medium hover:bg-hover hover:text-ink"
          >
            <Brackets size={14} strokeWidth={1.75} aria-hidden />
            {t("conversation.summarised", { count: summary.messages })}
          </button>
        )}
      >
        <p className="whitespace-pre-wrap">{summary.text}</p>
        <p className="pt-3 text-xs text-quiet">{t("conversation.summary_by", { model: summary.model })}</p>
      </Floating>
      <span aria-hidden className="h-px flex-1 bg-line" />
    </div>
  );
}
