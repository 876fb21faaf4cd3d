import { Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { BudgetList } from "@/features/usage/budget-list";
import { DayChart } from "@/features/usage/day-chart";
import { ModelTable, DayTable } from "@/features/usage/usage-tables";
import { lastDays, sumOf } from "@/features/usage/sum-usage";
import { usagePath, useUsage } from "@/features/usage/usage-data";
import type { Span, UsageReport, Whose } from "@/features/usage/usage-data";
import { count, money } from "@/shared/amounts/amounts";
import { Section } from "@/shared/form/section";
import { useIsAdmin } from "@/shared/data/me";
import { SelectField } from "@/shared/form/select-field";
import { Listing } from "@/shared/table/listing";
import { downloadFrom } from "@/features/usage/download-csv";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";

const SPANS = ["7", "30", "90"] as const;
const WHOSE: Whose[] = ["mine", "all"];
type Days = (typeof SPANS)[number];

/** What was used, day by day and by model, against what there is. */
export function UsagePage() {
  const { t } = useTranslation();
  const [days, setDays] = useState<Days>("30");
  const [whose, setWhose] = useState<Whose>("mine");
  const isAdmin = useIsAdmin();
  const [now] = useState(() => Date.now());
  const span = lastDays(Number(days), now);
  const query = useUsage(span, whose);
  const report = query.data;
  return (
    <div className="flex flex-col gap-12">
      <Section title={t("usage.budgets")} lead={t("usage.budgets_lead")}>
        <Listing query={query} isEmpty={report?.budgets.length === 0} empty={t("usage.no_budgets")}>
          <BudgetList budgets={report?.budgets ?? []} />
        </Listing>
      </Section>
      <Section title={t("usage.used")} lead={t("usage.used_lead")}>
        <div className="flex flex-wrap items-end gap-3 pb-6">
          <SelectField
            label={t("usage.span")}
            bare
            value={days}
            options={SPANS.map((value) => ({ value, label: t("usage.last_days", { count: Number(value) }) }))}
            onChange={setDays}
          />
          {isAdmin && (
            <SelectField
              label={t("usage.whose.label")}
              bare
              value={whose}
              options={WHOSE.map((value) => ({ value, label: t(`usage.whose.${value}`) }))}
              onChange={setWhose}
            />
          )}
          <span className="flex-1" />
          <Button
            kind="quiet"
            onClick={() =>
              void downloadFrom(usagePath(span, whose), `usage-${span.from}-${span.to}.csv`).catch((error: Error) =>
                showToast(error.message),
              )
            }
          >
            <Download size={15} strokeWidth={1.75} aria-hidden />
            {t("usage.csv")}
          </Button>
        </div>
        <Listing query={query} isEmpty={report?.items.length === 0} empty={t("usage.empty")}>
          {report && <Used report={report} span={span} />}
        </Listing>
      </Section>
    </div>
  );
}

function Used({ report, span }: { report: UsageReport; span: Span }) {
  const { t, i18n } = useTranslation();
  const { cost, tokens, turns, isPartly } = sumOf(report.items);
  const figures = [
    [t("usage.cost"), (isPartly ? "≥ " : "") + money(cost, i18n.language)],
    [t("usage.tokens"), count(tokens, i18n.language)],
    [t("usage.answers"), count(turns, i18n.language)],
  ];
  return (
    <div className="flex flex-col gap-8">
      <dl className="flex flex-wrap gap-x-10 gap-y-4">
        {figures.map(([name, figure]) => (
          <div key={name}>
            <dt className="text-sm text-quiet">{name}</dt>
            <dd className="tabular text-xl font-semibold tracking-[-0.01em]">{figure}</dd>
          </div>
        ))}
      </dl>
      {isPartly && <p className="-mt-4 text-sm text-quiet text-pretty">{t("usage.no_price")}</p>}
      <DayChart items={report.items} span={span} />
      <ModelTable items={report.items} />
      <DayTable items={report.items} span={span} />
    </div>
  );
}
