import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange, useList, usePages } from "@/features/admin/admin-data";
import { PatternField } from "@/features/admin/pattern-field";
import type { Person } from "@/features/admin/person";
import { RemoveAction } from "@/features/admin/remove-action";
import { subjectName } from "@/features/admin/subject";
import { SubjectField } from "@/features/admin/subject-field";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { SelectField } from "@/shared/form/select-field";
import { Listing } from "@/shared/table/listing";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";
import { Button } from "@/shared/ui/button";

interface Rule {
  id: string;
  subject: string;
  kind: "model" | "tool";
  pattern: string;
  is_allowed: boolean;
}

/** Who may use which models and tools. */
export function Rules() {
  const { t } = useTranslation();
  const query = useList<Rule>("rules");
  const people = usePages<Person>("users", {}, "cursor").items;
  const items = query.data?.items ?? [];
  const columns: Column<Rule>[] = [
    { id: "subject", label: t("admin.subject.label"), isName: true, cell: ({ subject }) => subjectName(subject, people, t) },
    { id: "allowed", label: t("admin.rules.verdict"), cell: ({ is_allowed }) => t(is_allowed ? "admin.rules.may" : "admin.rules.may_not") },
    { id: "kind", label: t("admin.rules.kind"), cell: ({ kind }) => t(`admin.rules.kinds.${kind}`) },
    { id: "pattern", label: t("admin.rules.pattern"), cell: ({ pattern }) => <code className="font-mono">{pattern}</code> },
    {
      id: "actions",
      label: t("admin.actions"),
      isActions: true,
      cell: ({ id, pattern }) => <RemoveAction noun="rules" steps={[id]} name={pattern} />,
    },
  ];
  return (
    <Section title={t("admin.rules.title")} lead={t("admin.rules.lead")}>
      <RuleForm />
      <Listing query={query} isEmpty={items.length === 0} empty={t("admin.rules.empty")}>
        <Table caption={t("admin.rules.title")} rows={items} keyOf={({ id }) => id} columns={columns} />
      </Listing>
    </Section>
  );
}

function RuleForm() {
  const { t } = useTranslation();
  const [subject, setSubject] = useState("all");
  const [kind, setKind] = useState<Rule["kind"]>("model");
  const [verdict, setVerdict] = useState<"may" | "may_not">("may_not");
  const [pattern, setPattern] = useState("");
  const { mutate, isPending, error } = useAdminChange<Rule>("rules");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = { subject, kind, pattern: pattern.trim(), is_allowed: verdict === "may" };
    mutate({ method: "POST", body }, { onSuccess: () => setPattern("") });
  };
  return (
    <form onSubmit={submit} className="mb-8 flex flex-col gap-4">
      <div className="flex flex-wrap items-start gap-4">
        <SubjectField onChange={setSubject} />
        <SelectField
          label={t("admin.rules.verdict")}
          value={verdict}
          options={(["may_not", "may"] as const).map((value) => ({ value, label: t(`admin.rules.${value}`) }))}
          onChange={setVerdict}
          className="min-w-32"
        />
        <SelectField
          label={t("admin.rules.kind")}
          value={kind}
          options={(["model", "tool"] as const).map((value) => ({ value, label: t(`admin.rules.kinds.${value}`) }))}
          onChange={setKind}
          className="min-w-32"
        />
        <PatternField label={t("admin.rules.pattern")} value={pattern} onChange={setPattern} />
      </div>
      <Problem text={error?.message} />
      <div>
        <Button kind="primary" type="submit" disabled={isPending || subject === "" || pattern.trim() === ""}>
          {t("admin.rules.add")}
        </Button>
      </div>
    </form>
  );
}
