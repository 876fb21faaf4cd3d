import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange, useList } from "@/features/admin/admin-data";
import { PatternField } from "@/features/admin/pattern-field";
import { RemoveAction } from "@/features/admin/remove-action";
import { money, readMoney } from "@/shared/amounts/amounts";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { Listing } from "@/shared/table/listing";
import { RowAction } from "@/shared/table/row-action";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

/** US dollars for a million tokens. */
interface Price {
  model: string;
  input: number;
  output: number;
  cached_input: number | null;
}

/** Prices that count more than those the product knows. */
export function Prices() {
  const { t } = useTranslation();
  const query = useList<Price>("prices");
  const [editing, setEditing] = useState<Price | null>(null);
  const items = query.data?.items ?? [];
  const columns = usePriceColumns(setEditing);
  return (
    <Section title={t("admin.prices.title")} lead={t("admin.prices.lead")}>
      <PriceForm key={editing?.model ?? ""} price={editing} onDone={() => setEditing(null)} />
      <Listing query={query} isEmpty={items.length === 0} empty={t("admin.prices.empty")}>
        <Table caption={t("admin.prices.title")} rows={items} keyOf={({ model }) => model} columns={columns} />
      </Listing>
    </Section>
  );
}

function usePriceColumns(onEdit: (price: Price) => void): Column<Price>[] {
  const { t, i18n } = useTranslation();
  const say = (dollars: number | null) => (dollars === null ? "–" : money(dollars * 1_000_000, i18n.language));
  return [
    { id: "model", label: t("admin.prices.model"), isName: true, cell: ({ model }) => model },
    { id: "input", label: t("admin.prices.input"), isFigure: true, cell: ({ input }) => say(input) },
    { id: "cached", label: t("admin.prices.cached"), isFigure: true, cell: ({ cached_input }) => say(cached_input) },
    { id: "output", label: t("admin.prices.output"), isFigure: true, cell: ({ output }) => say(output) },
    {
      id: "actions",
      label: t("admin.actions"),
      isActions: true,
      cell: (price) => (
        <>
          <RowAction className="text-soft md:-my-1" aria-label={t("admin.change_named", { name: price.model })} onClick={() => onEdit(price)}>
            {t("admin.change")}
          </RowAction>
          <RemoveAction noun="prices" steps={[price.model]} name={price.model} />
        </>
      ),
    },
  ];
}

function PriceForm({ price, onDone }: { price: Price | null; onDone(): void }) {
  const { t } = useTranslation();
  const [model, setModel] = useState(price?.model ?? "");
  const [input, setInput] = useState(written(price?.input));
  const [cached, setCached] = useState(written(price?.cached_input));
  const [output, setOutput] = useState(written(price?.output));
  const { mutate, isPending, error } = useAdminChange("prices");
  const amounts = [input, output, cached].map(readMoney);
  const isReady = model.trim() !== "" && amounts.every((amount) => !Number.isNaN(amount)) && amounts[0] !== null && amounts[1] !== null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [inputs, outputs, cachedInputs] = amounts.map((amount) => (amount === null ? null : amount / 1_000_000));
    const body = { input: inputs, output: outputs, cached_input: cachedInputs };
    const reset = () => {
      for (const clear of [setModel, setInput, setCached, setOutput]) clear("");
      onDone();
    };
    mutate({ method: "PUT", steps: [model.trim()], body }, { onSuccess: reset });
  };
  const fields = [
    ["input", input, setInput],
    ["cached", cached, setCached],
    ["output", output, setOutput],
  ] as const;
  return (
    <form onSubmit={submit} className="mb-8 flex flex-col gap-4">
      <div className="flex flex-wrap items-start gap-4">
        <PatternField label={t("admin.prices.model")} value={model} hint={t("admin.prices.model_hint")} onChange={setModel} />
        {fields.map(([name, value, set]) => (
          <Field
            key={name}
            label={t(`admin.prices.${name}`)}
            inputMode="decimal"
            autoComplete="off"
            required={name !== "cached"}
            value={value}
            error={Number.isNaN(readMoney(value)) ? t("admin.not_money") : null}
            onChange={(event) => set(event.target.value)}
            className="w-32"
          />
        ))}
      </div>
      <Problem text={error?.message} />
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending || !isReady}>
          {t("admin.prices.save")}
        </Button>
        {price && (
          <Button kind="quiet" onClick={onDone}>
            {t("ui.cancel")}
          </Button>
        )}
      </div>
    </form>
  );
}

function written(dollars: number | null | undefined): string {
  return dollars === null || dollars === undefined ? "" : String(dollars);
}
