import { useDeferredValue, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { usePages } from "@/features/admin/admin-data";
import type { Person } from "@/features/admin/person";
import { SUBJECT_ROLES } from "@/features/admin/subject";
import { SelectField } from "@/shared/form/select-field";
import { Field } from "@/shared/ui/field";

interface SubjectFieldProps {
  /** Called with "" while nobody is chosen yet. */
  onChange(subject: string): void;
}

/** Everybody, those with a role, or one person, found by typing a part of their name. */
export function SubjectField({ onChange }: SubjectFieldProps) {
  const { t } = useTranslation();
  const list = useId();
  const [kind, setKind] = useState("all");
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const found = usePages<Person>("users", search ? { q: search } : {}, "cursor").items;
  const options = [
    { value: "all", label: t("admin.subject.all") },
    ...SUBJECT_ROLES.map((role) => ({ value: `role:${role}`, label: t(`admin.subject.role.${role}`) })),
    { value: "user", label: t("admin.subject.one") },
  ];
  const choose = (next: string) => {
    setKind(next);
    setTyped("");
  };
  const person = found.find((one) => one.name.toLowerCase() === typed.trim().toLowerCase());
  const subject = kind !== "user" ? kind : person ? `user:${person.id}` : "";
  useEffect(() => onChange(subject), [onChange, subject]); // who is typed may be found a moment later
  return (
    <>
      <SelectField label={t("admin.subject.label")} value={kind} options={options} onChange={choose} className="min-w-40" />
      {kind === "user" && (
        <>
          <Field
            label={t("admin.people.name")}
            required
            list={list}
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            className="min-w-40"
          />
          <datalist id={list}>
            {found.map((person) => (
              <option key={person.id} value={person.name} />
            ))}
          </datalist>
        </>
      )}
    </>
  );
}
