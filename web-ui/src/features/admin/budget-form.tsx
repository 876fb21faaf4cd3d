import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import { PatternField } from "@/features/admin/pattern-field";
import { SubjectField } from "@/features/admin/subject-field";
import { readCount, readMoney } from "@/shared/amounts/amounts";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

const PERIODS = ["month", "day"] as const;

/** A bound in money, in tokens, or both. */
export function BudgetForm() {
  const { t } = useTranslation();
  const [subject, setSubject] = useState("all");
  const [pattern, setPattern] = useState("*");
  const [period, setPeriod] = useState<(typeof PERIODS)[number]>("month");
  const [cost, setCost] = useState("");
  const [tokens, setTokens] = useState("");
  const { mutate, isPending, error } = useAdminChange("budgets");
  const maxCost = readMoney(cost);
  const maxTokens = readCount(tokens);
  const isGiven = maxCost !== null || maxTokens !== null;
  const isReadable = !Number.isNaN(maxCost) && !Number.isNaN(maxTokens);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const bounds = { max_cost: maxCost, max_tokens: maxTokens };
    const reset = () => {
      setCost("");
      setTokens("");
    };
    mutate({ method: "POST", body: { subject, pattern: pattern.trim(), period, ...bounds } }, { onSuccess: reset });
  };
  return (
    <form onSubmit={submit} className="mb-8 flex flex-col gap-4">
      <div className="flex flex-wrap items-start gap-4">
        <SubjectField onChange={setSubject} />
        <SelectField
          label={t("admin.budgets.period")}
          value={period}
          options={PERIODS.map((value) => ({ value, label: t(`admin.budgets.periods.${value}`) }))}
          onChange={setPeriod}
          className="min-w-32"
        />
        <PatternField label={t("admin.budgets.models")} value={pattern} onChange={setPattern} />
        <Field
          label={t("admin.budgets.money_max")}
          inputMode="decimal"
          autoComplete="off"
          value={cost}
          placeholder="10.00"
          error={Number.isNaN(maxCost) ? t("admin.not_money") : null}
          onChange={(event) => setCost(event.target.value)}
          className="w-36"
        />
        <Field
          label={t("admin.budgets.tokens_max")}
          autoComplete="off"
          value={tokens}
          placeholder="2M"
          error={Number.isNaN(maxTokens) ? t("admin.not_count") : null}
          onChange={(event) => setTokens(event.target.value)}
          className="w-36"
        />
      </div>
      <Problem text={error?.message} />
      <div>
        <Button kind="primary" type="submit" disabled={isPending || subject === "" || !isGiven || !isReadable || pattern.trim() === ""}>
          {t("admin.budgets.add")}
        </Button>
      </div>
    </form>
  );
}
