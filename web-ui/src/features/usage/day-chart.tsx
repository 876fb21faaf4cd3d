import { useState } from "react";
import { useTranslation } from "react-i18next";

import { byDay } from "@/features/usage/sum-usage";
import type { Span, UsageItem } from "@/features/usage/usage-data";
import { count, money } from "@/shared/amounts/amounts";
import { shortDay } from "@/shared/time/format";

const HEIGHT = 120;
const STEP = 10;
const GAP = 2;
const LEAST = 1.5;

/** A bar for each day: money, or tokens where nothing has a price. The table below says the same in figures. */
export function DayChart({ items, span }: { items: readonly UsageItem[]; span: Span }) {
  const { t, i18n } = useTranslation();
  const [now] = useState(() => Date.now());
  const [pointed, setPointed] = useState<number | null>(null);
  const days = byDay(items, span);
  const isMoney = days.some(({ sum }) => sum.cost > 0);
  const amounts = days.map(({ sum }) => (isMoney ? sum.cost : sum.tokens));
  const most = Math.max(1, ...amounts);
  const say = (amount: number) =>
    isMoney ? money(amount, i18n.language) : t("usage.some_tokens", { count: amount, amount: count(amount, i18n.language) });
  const dayName = (day: string) => shortDay(Date.parse(`${day}T12:00`), now, i18n.language);
  const at = pointed ?? days.length - 1;
  return (
    <figure>
      <figcaption className="tabular flex flex-wrap justify-between gap-x-6 pb-2 text-sm">
        <span className="text-quiet">{isMoney ? t("usage.cost_by_day") : t("usage.tokens_by_day")}</span>
        <span aria-hidden>
          {dayName(days[at]?.day ?? "")} · {say(amounts[at] ?? 0)}
        </span>
      </figcaption>
      <svg
        role="img"
        aria-label={t("usage.chart", { most: say(most) })}
        viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-32 w-full border-b border-line-strong"
        onPointerLeave={() => setPointed(null)}
      >
        {amounts.map((amount, index) => {
          const height = amount > 0 ? Math.max(LEAST, (amount / most) * HEIGHT) : 0;
          return (
            <g key={days[index]?.day} onPointerEnter={() => setPointed(index)}>
              <rect x={index * STEP} y={0} width={STEP} height={HEIGHT} fill="transparent" />
              <rect
                x={index * STEP + GAP / 2}
                y={HEIGHT - height}
                width={STEP - GAP}
                height={height}
                fill={index === pointed ? "var(--accent-strong)" : "var(--accent)"}
              />
            </g>
          );
        })}
      </svg>
      <div aria-hidden className="tabular flex justify-between pt-1.5 text-xs text-quiet">
        <span>{dayName(span.from)}</span>
        <span>{dayName(span.to)}</span>
      </div>
    </figure>
  );
}
