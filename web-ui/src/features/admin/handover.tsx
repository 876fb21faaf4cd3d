import { useDeferredValue, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange, usePages } from "@/features/admin/admin-data";
import type { Person } from "@/features/admin/person";
import { ConfirmDialog } from "@/shared/form/confirm-dialog";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

/** The owner gives the server to somebody else, and is an admin from then on. */
export function Handover() {
  const { t } = useTranslation();
  const list = useId();
  const [typed, setTyped] = useState("");
  const [isAsking, setIsAsking] = useState(false);
  const search = useDeferredValue(typed.trim());
  const people = usePages<Person>("users", search ? { q: search } : {}, "cursor").items;
  const { mutate, isPending, error } = useAdminChange("owner");
  const chosen = people.find((one) => one.name.toLowerCase() === typed.trim().toLowerCase() && one.role !== "owner");
  return (
    <div className="flex flex-wrap items-end gap-3">
      <Field
        label={t("admin.owner.to")}
        list={list}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="min-w-56"
      />
      <datalist id={list}>
        {people.map(({ id, name, role }) => role !== "owner" && <option key={id} value={name} />)}
      </datalist>
      <Button kind="danger" disabled={!chosen} onClick={() => setIsAsking(true)}>
        {t("admin.owner.hand_over")}
      </Button>
      {isAsking && chosen && (
        <ConfirmDialog
          title={t("admin.owner.ask", { name: chosen.name })}
          action={t("admin.owner.hand_over")}
          word={chosen.name}
          error={error?.message}
          isPending={isPending}
          onConfirm={() => mutate({ method: "POST", body: { user: chosen.id } }, { onSuccess: () => location.assign("/") })}
          onClose={() => setIsAsking(false)}
        >
          {t("admin.owner.text", { name: chosen.name })}
        </ConfirmDialog>
      )}
    </div>
  );
}
