import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import type { Person } from "@/features/admin/person";
import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

/** Another name or address for somebody. */
export function PersonDialog({ person, onClose }: { person: Person; onClose(): void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(person.name);
  const [email, setEmail] = useState(person.email);
  const { mutate, isPending, error } = useAdminChange("users");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = {
      ...(name.trim() === person.name ? {} : { name: name.trim() }),
      ...(email.trim() === person.email ? {} : { email: email.trim() }),
    };
    if (Object.keys(body).length === 0) return onClose();
    mutate(
      { method: "PATCH", steps: [person.id], body },
      {
        onSuccess: () => {
          showToast(t("admin.saved"));
          onClose();
        },
      },
    );
  };
  return (
    <Dialog title={t("admin.people.edit_title", { name: person.name })} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4 px-5 pt-4 pb-5">
        <Field label={t("admin.people.name")} required autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
        <Field label={t("admin.people.email")} type="email" autoComplete="off" value={email} onChange={(event) => setEmail(event.target.value)} />
        <Problem text={error?.message} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            {t("ui.cancel")}
          </Button>
          <Button kind="primary" type="submit" disabled={isPending}>
            {t("ui.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
