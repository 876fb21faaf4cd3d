import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import { chosenOf, modelOf, NONE, OTHER, USUAL } from "@/features/admin/memory-model-data";
import type { MemoryModel } from "@/features/admin/memory-model-data";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

/** Chooses the model; the server tries it before anything is changed. */
export function MemoryModelForm({ told }: { told: MemoryModel }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [chosen, setChosen] = useState(chosenOf(told));
  const [other, setOther] = useState("");
  const { mutate, isPending, error } = useAdminChange<MemoryModel>("memory");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutate(
      { method: "PUT", body: { model: modelOf(chosen, other) } },
      {
        onSuccess: (saved) => {
          client.setQueryData(["admin", "memory"], saved);
          showToast(t("admin.saved"));
        },
      },
    );
  };
  const isSame = chosen === chosenOf(told) || (chosen === OTHER && other.trim() === "");
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <SelectField
        label={t("admin.memory.model")}
        value={chosen}
        options={useOptions(told)}
        onChange={setChosen}
        hint={t("admin.memory.model_hint", { folder: told.models_dir })}
      />
      {chosen === OTHER && (
        <Field
          label={t("admin.memory.other_name")}
          required
          autoComplete="off"
          spellCheck={false}
          maxLength={300}
          value={other}
          placeholder="openai/text-embedding-3-small"
          hint={t("admin.memory.other_hint")}
          onChange={(event) => setOther(event.target.value)}
        />
      )}
      <Problem text={error?.message} />
      <div className="flex flex-wrap items-center gap-3">
        <Button kind="primary" type="submit" disabled={isPending || isSame}>
          {t("admin.memory.choose")}
        </Button>
        {isPending && (
          <span role="status" className="text-sm text-quiet">
            {t("admin.memory.trying")}
          </span>
        )}
      </div>
    </form>
  );
}

function useOptions(told: MemoryModel) {
  const { t } = useTranslation();
  const listed = told.choices.map(({ id, kind }) => ({ value: id, label: kind === "provider" ? id : t(`admin.memory.kinds.${kind}`, { id }) }));
  const isListed = told.model === "" || told.choices.some(({ id }) => id === told.model);
  return [
    { value: USUAL, label: told.default ? t("admin.memory.usual", { model: told.default }) : t("admin.memory.usual_none") },
    { value: NONE, label: t("admin.memory.none") },
    ...(isListed ? [] : [{ value: told.model, label: told.model }]),
    ...listed,
    { value: OTHER, label: t("admin.memory.other") },
  ];
}
