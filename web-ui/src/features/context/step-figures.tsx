import { useTranslation } from "react-i18next";

import { count, percent } from "@/shared/amounts/amounts";
import { shortName } from "@/shared/data/models";
import type { ContextStep } from "@/shared/wire/resources";

const COST: Intl.NumberFormatOptions = { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 5 };

/** How much of the budget it took, and what the provider counted. */
export function StepFigures({ step }: { step: ContextStep }) {
  const { t, i18n } = useTranslation();
  const number = (value: number) => count(value, i18n.language);
  const used = t("context.used", { used: number(step.counted), budget: number(step.budget) });
  return (
    <div className="flex flex-col gap-2 text-sm">
      <p className="flex items-baseline justify-between gap-3">
        <span className="truncate font-medium" title={step.model}>
          {shortName(step.model)}
        </span>
        <span className="tabular shrink-0 text-quiet">{used}</span>
      </p>
      <div aria-hidden className="h-1.5 overflow-hidden rounded-full bg-press">
        <div className="h-full bg-accent" style={{ width: `${Math.min(100, (100 * step.counted) / Math.max(step.budget, 1))}%` }} />
      </div>
      {!step.window_is_known && (
        <p className="text-xs text-quiet">{t("context.window_unknown", { window: number(step.window) })}</p>
      )}
      {step.usage ? <Reported step={step} /> : <p className="text-xs text-quiet">{t("context.not_reported")}</p>}
    </div>
  );
}

function Reported({ step }: { step: ContextStep }) {
  const { t, i18n } = useTranslation();
  const { usage, cost } = step;
  if (!usage) return null;
  const share = usage.input_tokens > 0 ? usage.cached_tokens / usage.input_tokens : 0;
  const figures = [
    [t("context.input"), count(usage.input_tokens, i18n.language)],
    [t("context.cached"), percent(share, i18n.language)],
    [t("context.output"), count(usage.output_tokens, i18n.language)],
    ...(cost === null ? [] : [[t("context.cost"), new Intl.NumberFormat(i18n.language, COST).format(cost)]]),
  ];
  return (
    <dl aria-label={t("context.reported")} className="grid grid-cols-2 gap-x-6 gap-y-1 border-t border-line pt-2 text-xs">
      {figures.map(([name, value]) => (
        <div key={name} className="flex justify-between gap-2">
          <dt className="text-quiet">{name}</dt>
          <dd className="tabular">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
