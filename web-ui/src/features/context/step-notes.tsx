import { useTranslation } from "react-i18next";

import { count } from "@/shared/amounts/amounts";
import type { ContextStep } from "@/shared/wire/resources";

/** What is to be said about it: left out, shortened, exact or not. */
export function StepNotes({ step }: { step: ContextStep }) {
  const { t, i18n } = useTranslation();
  return (
    <ul className="flex flex-col gap-1 text-xs text-quiet">
      <li>{step.is_exact ? t("context.exact") : t("context.not_exact")}</li>
      {step.shortened && <li>{t("context.shortened")}</li>}
      {step.clipped && (
        <li>
          {t("context.clipped")}{" "}
          {step.clipped_at !== null && (
            <a href={`#m-${step.clipped_at}`} className="text-accent underline">
              {t("context.go_clipped")}
            </a>
          )}
        </li>
      )}
      {step.no_summary !== "" && <li>{t("context.no_summary", { reason: step.no_summary })}</li>}
      {step.tools && step.tools.length > 0 && (
        <li>{t("context.tools", { names: step.tools.join(", "), tokens: count(step.tool_tokens ?? 0, i18n.language) })}</li>
      )}
      {step.no_recall && <li>{t("context.no_recall", { reason: step.no_recall })}</li>}
      {step.stale_summaries > 0 && <li>{t("context.stale", { count: step.stale_summaries })}</li>}
      {step.pins_left_out > 0 && <li>{t("context.pins_left_out", { count: step.pins_left_out })}</li>}
    </ul>
  );
}
