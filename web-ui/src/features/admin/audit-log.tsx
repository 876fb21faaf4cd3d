import { useState } from "react";
import { useTranslation } from "react-i18next";

import { usePages } from "@/features/admin/admin-data";
import type { AuditEntry } from "@/features/admin/audit-entry";
import { AUDIT_GROUPS, actionName, detailText, targetName } from "@/features/admin/audit-entry";
import type { Person } from "@/features/admin/person";
import { Section } from "@/shared/form/section";
import { SelectField } from "@/shared/form/select-field";
import { Listing } from "@/shared/table/listing";
import { More } from "@/shared/table/more";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";
import { dateTimeOf } from "@/shared/time/ago";

type Group = (typeof AUDIT_GROUPS)[number] | "";

/** What admins did, who signed in, which keys were made; the newest first. */
export function AuditLog() {
  const { t, i18n } = useTranslation();
  const [group, setGroup] = useState<Group>("");
  const query = usePages<AuditEntry>("audit", group ? { action: `${group}.` } : {}, "before");
  const people = usePages<Person>("users", {}, "cursor").items;
  const columns: Column<AuditEntry>[] = [
    { id: "at", label: t("admin.audit.at"), isName: true, cell: ({ at }) => <time className="font-normal whitespace-nowrap max-md:font-medium">{dateTimeOf(at, i18n.language)}</time> },
    { id: "actor", label: t("admin.audit.actor"), cell: ({ actor_name }) => actor_name || t("admin.audit.nobody") },
    { id: "action", label: t("admin.audit.action"), cell: ({ action }) => actionName(action, t, i18n) },
    { id: "target", label: t("admin.audit.target"), cell: ({ target }) => targetName(target, people, t) },
    { id: "detail", label: t("admin.audit.detail"), cell: ({ detail }) => <span className="text-quiet">{detailText(detail, i18n.language)}</span> },
    { id: "address", label: t("admin.audit.address"), cell: ({ address }) => <span className="whitespace-nowrap text-quiet">{address}</span> },
  ];
  return (
    <Section title={t("admin.audit.title")} lead={t("admin.audit.lead")}>
      <SelectField
        label={t("admin.audit.filter")}
        bare
        value={group}
        options={[
          { value: "", label: t("admin.audit.groups.all") },
          ...AUDIT_GROUPS.map((value) => ({ value, label: t(`admin.audit.groups.${value}`) })),
        ]}
        onChange={setGroup}
        className="max-w-64 pb-5"
      />
      <Listing query={query} isEmpty={query.items.length === 0} empty={t("admin.audit.empty")}>
        <Table caption={t("admin.audit.title")} rows={query.items} keyOf={({ id }) => id} columns={columns} />
        <More query={query} />
      </Listing>
    </Section>
  );
}
