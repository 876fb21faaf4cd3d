import { Plus } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { usePages } from "@/features/admin/admin-data";
import { NewPersonForm } from "@/features/admin/new-person-form";
import type { Person } from "@/features/admin/person";
import { PersonActions } from "@/features/admin/person-actions";
import { RoleChoice } from "@/features/admin/role-choice";
import { SearchLine } from "@/features/admin/search-line";
import { count, money } from "@/shared/amounts/amounts";
import { Section } from "@/shared/form/section";
import { Listing } from "@/shared/table/listing";
import { More } from "@/shared/table/more";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";
import { ago } from "@/shared/time/ago";
import { Button } from "@/shared/ui/button";

/** Everybody with an account here. */
export function People() {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [isAdding, setIsAdding] = useState(false);
  const wanted = useDeferredValue(search.trim());
  const query = usePages<Person>("users", wanted ? { q: wanted } : {}, "cursor");
  const columns = usePeopleColumns();
  return (
    <Section title={t("admin.people.title")} lead={t("admin.people.lead")}>
      <div className="flex flex-wrap items-center gap-3 pb-5">
        <SearchLine label={t("admin.people.search")} value={search} onChange={setSearch} />
        <span className="flex-1" />
        <Link
          href="/admin/invitations"
          className="inline-flex min-h-9 items-center rounded-md bg-accent px-3.5 text-sm font-medium text-on-accent hover:bg-accent-strong"
        >
          {t("admin.people.invite")}
        </Link>
        <Button onClick={() => setIsAdding(true)}>
          <Plus size={16} strokeWidth={1.75} aria-hidden />
          {t("admin.people.add")}
        </Button>
      </div>
      {isAdding && <NewPersonForm onDone={() => setIsAdding(false)} />}
      <Listing
        query={query}
        isEmpty={query.items.length === 0}
        empty={wanted ? t("admin.people.nobody", { search: wanted }) : t("admin.people.empty")}
      >
        <Table caption={t("admin.people.title")} rows={query.items} keyOf={(person) => person.id} columns={columns} />
        <More query={query} />
      </Listing>
    </Section>
  );
}

function usePeopleColumns(): Column<Person>[] {
  const { t, i18n } = useTranslation();
  const seen = ({ seen_at }: Person) => (seen_at === null ? t("admin.people.never") : ago(seen_at, i18n.language));
  return [
    { id: "name", label: t("admin.people.name"), isName: true, cell: (person) => <Name person={person} /> },
    { id: "role", label: t("admin.people.role"), cell: (person) => <RoleChoice person={person} /> },
    { id: "ways", label: t("admin.people.ways"), cell: (person) => waysOf(person, t("admin.people.password")) },
    { id: "seen", label: t("admin.people.seen"), cell: seen },
    {
      id: "conversations",
      label: t("admin.people.conversations"),
      isFigure: true,
      cell: (person) => count(person.conversations, i18n.language),
    },
    {
      id: "cost",
      label: t("admin.people.cost"),
      isFigure: true,
      cell: (person) => money(person.cost_month, i18n.language),
    },
    { id: "actions", label: t("admin.actions"), isActions: true, cell: (person) => <PersonActions person={person} /> },
  ];
}

function Name({ person }: { person: Person }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="flex flex-wrap items-center gap-x-2">
        {person.name}
        {person.suspended_at !== null && (
          <span className="rounded-xs bg-danger-soft px-1.5 text-xs leading-5 font-medium text-danger">{t("admin.people.suspended")}</span>
        )}
      </span>
      {person.email && <span className="block font-normal text-quiet">{person.email}</span>}
    </>
  );
}

function waysOf({ has_password, identities }: Person, password: string): string {
  return [has_password ? password : "", ...identities].filter(Boolean).join(", ") || "–";
}
