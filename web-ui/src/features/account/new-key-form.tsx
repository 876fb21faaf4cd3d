import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { KeyScope } from "@/features/account/account-data";
import { useMakeKey } from "@/features/account/account-data";
import { CheckField } from "@/shared/form/check-field";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { useIsAdmin } from "@/shared/data/me";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

const DAY_MS = 86_400_000;
const LASTING = ["never", "30", "90", "365"] as const;
type Lasting = (typeof LASTING)[number];

interface NewKeyFormProps {
  onMade(key: { name: string; secret: string }): void;
  onCancel(): void;
}

export function NewKeyForm({ onMade, onCancel }: NewKeyFormProps) {
  const { t } = useTranslation();
  const offered: KeyScope[] = useIsAdmin() ? ["chat", "read", "admin", "scim"] : ["chat", "read"];
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<KeyScope[]>(["chat", "read"]);
  const [lasting, setLasting] = useState<Lasting>("90");
  const { mutate, isPending, error } = useMakeKey();
  const toggle = (scope: KeyScope, isWanted: boolean) =>
    setScopes(offered.filter((one) => (one === scope ? isWanted : scopes.includes(one))));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const until = lasting === "never" ? {} : { expires_at: Date.now() + Number(lasting) * DAY_MS };
    mutate({ name: name.trim(), scopes, ...until }, { onSuccess: (key) => onMade(key) });
  };
  return (
    <form onSubmit={submit} className="flex max-w-[34rem] flex-col gap-4 rounded-md border border-line-strong bg-raised p-5">
      <Field
        label={t("account.keys.name")}
        autoFocus
        required
        maxLength={200}
        autoComplete="off"
        value={name}
        hint={t("account.keys.name_hint")}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset className="flex flex-col gap-1">
        <legend className="pb-1 text-sm font-medium">{t("account.keys.may")}</legend>
        {offered.map((scope) => (
          <CheckField
            key={scope}
            label={t(`account.keys.scope.${scope}`)}
            hint={t(`account.keys.scope_hint.${scope}`)}
            checked={scopes.includes(scope)}
            onChange={(isWanted) => toggle(scope, isWanted)}
          />
        ))}
      </fieldset>
      <SelectField
        label={t("account.keys.lasts")}
        value={lasting}
        options={LASTING.map((value) => ({ value, label: t(`account.keys.lasting.${value}`) }))}
        onChange={setLasting}
        className="max-w-56"
      />
      <Problem text={error?.message} />
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending || name.trim() === "" || scopes.length === 0}>
          {t("account.keys.make")}
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
