import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import type { PasswordLink, Person } from "@/features/admin/person";
import { GIVEN_ROLES } from "@/features/admin/person";
import { LinkShown } from "@/features/admin/person-actions";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import type { Role } from "@/shared/wire/resources";

/** An account made for somebody; they set their password by the link that comes with it. */
export function NewPersonForm({ onDone }: { onDone(): void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const { mutate, isPending, error, data } = useAdminChange<Person & Partial<PasswordLink>>("users");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const address = email.trim();
    mutate({ method: "POST", body: { name: name.trim(), role, ...(address ? { email: address } : {}) } });
  };
  if (data) {
    const { link, expires_at } = data;
    return (
      <div role="status" className="mb-6 flex max-w-[34rem] flex-col gap-4 rounded-md border border-line-strong bg-raised p-5">
        <p className="text-sm">{t("admin.people.added", { name: data.name })}</p>
        {link !== undefined && <LinkShown link={{ link, ...(expires_at === undefined ? {} : { expires_at }) }} />}
        <Button className="self-start" onClick={onDone}>
          {t("admin.done")}
        </Button>
      </div>
    );
  }
  return (
    <form onSubmit={submit} className="mb-6 flex max-w-[34rem] flex-col gap-4 rounded-md border border-line-strong bg-raised p-5">
      <Field label={t("admin.people.name")} required autoFocus autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
      <Field
        label={t("admin.people.email")}
        type="email"
        autoComplete="off"
        value={email}
        hint={t("admin.people.email_hint")}
        onChange={(event) => setEmail(event.target.value)}
      />
      <SelectField
        label={t("admin.people.role")}
        value={role}
        options={GIVEN_ROLES.map((value) => ({ value, label: t(`admin.role.${value}`) }))}
        onChange={setRole}
        hint={t(`admin.role_hint.${role}`)}
      />
      <Problem text={error?.message} />
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending || name.trim() === ""}>
          {t("admin.people.add_now")}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
