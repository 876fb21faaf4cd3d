import { useTranslation } from "react-i18next";

import { useList, usePages } from "@/features/admin/admin-data";
import { BudgetForm } from "@/features/admin/budget-form";
import type { Person } from "@/features/admin/person";
import { RemoveAction } from "@/features/admin/remove-action";
import { subjectName } from "@/features/admin/subject";
import { count, money } from "@/shared/amounts/amounts";
import { Section } from "@/shared/form/section";
import { Listing } from "@/shared/table/listing";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";

export interface AdminBudget {
  id: string;
  subject: string;
  pattern: string;
  period: "day" | "month";
  max_cost: number | null;
  max_tokens: number | null;
}

/** How much of which models people may use in a day or a month. */
export function Budgets() {
  const { t, i18n } = useTranslation();
  const query = useList<AdminBudget>("budgets");
  const people = usePages<Person>("users", {}, "cursor").items;
  const items = query.data?.items ?? [];
  const columns: Column<AdminBudget>[] = [
    { id: "subject", label: t("admin.subject.label"), isName: true, cell: ({ subject }) => subjectName(subject, people, t) },
    { id: "pattern", label: t("admin.budgets.models"), cell: ({ pattern }) => (pattern === "*" ? t("admin.budgets.all_models") : pattern) },
    { id: "period", label: t("admin.budgets.period"), cell: ({ period }) => t(`admin.budgets.periods.${period}`) },
    { id: "cost", label: t("admin.budgets.money"), isFigure: true, cell: ({ max_cost }) => (max_cost === null ? "–" : money(max_cost, i18n.language)) },
    { id: "tokens", label: t("admin.budgets.tokens"), isFigure: true, cell: ({ max_tokens }) => (max_tokens === null ? "–" : count(max_tokens, i18n.language)) },
    {
      id: "actions",
      label: t("admin.actions"),
      isActions: true,
      cell: (budget) => <RemoveAction noun="budgets" steps={[budget.id]} name={subjectName(budget.subject, people, t)} />,
    },
  ];
  return (
    <Section title={t("admin.budgets.title")} lead={t("admin.budgets.lead")}>
      <BudgetForm />
      <Listing query={query} isEmpty={items.length === 0} empty={t("admin.budgets.empty")}>
        <Table caption={t("admin.budgets.title")} rows={items} keyOf={({ id }) => id} columns={columns} />
      </Listing>
    </Section>
  );
}
