import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Sum } from "@/features/usage/sum-usage";
import { byDay, byModel } from "@/features/usage/sum-usage";
import type { Span, UsageItem } from "@/features/usage/usage-data";
import { count, money, percent } from "@/shared/amounts/amounts";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";
import { shortDay } from "@/shared/time/format";

export function ModelTable({ items }: { items: readonly UsageItem[] }) {
  const { t } = useTranslation();
  const figures = useFigures();
  return (
    <Table
      isNarrow
      caption={t("usage.by_model")}
      rows={byModel(items)}
      keyOf={({ model }) => model}
      columns={[{ id: "model", label: t("usage.model"), isName: true, cell: ({ model }) => model }, ...figures]}
    />
  );
}

/** The newest first; days without anything are left out. */
export function DayTable({ items, span }: { items: readonly UsageItem[]; span: Span }) {
  const { t, i18n } = useTranslation();
  const figures = useFigures();
  const days = byDay(items, span).filter(({ sum }) => sum.tokens > 0 || sum.turns > 0);
  const [now] = useState(() => Date.now());
  const name = (day: string) => shortDay(Date.parse(`${day}T12:00`), now, i18n.language);
  return (
    <Table
      isNarrow
      caption={t("usage.by_day")}
      rows={days.toReversed()}
      keyOf={({ day }) => day}
      columns={[{ id: "day", label: t("usage.day"), isName: true, cell: ({ day }) => name(day) }, ...figures]}
    />
  );
}

function useFigures(): Column<{ sum: Sum }>[] {
  const { t, i18n } = useTranslation();
  const cost = ({ sum }: { sum: Sum }) => {
    if (sum.isPartly && sum.cost === 0) return "–";
    return (sum.isPartly ? "≥ " : "") + money(sum.cost, i18n.language);
  };
  return [
    { id: "turns", label: t("usage.answers"), isFigure: true, cell: ({ sum }) => count(sum.turns, i18n.language) },
    { id: "tokens", label: t("usage.tokens"), isFigure: true, cell: ({ sum }) => count(sum.tokens, i18n.language) },
    {
      id: "cached",
      label: t("usage.cached"),
      isFigure: true,
      cell: ({ sum }) => (sum.input === 0 ? "–" : percent(sum.cached / sum.input, i18n.language)),
    },
    { id: "cost", label: t("usage.cost"), isFigure: true, cell: cost },
  ];
}
