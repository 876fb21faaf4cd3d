import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "@/features/account/account-data";
import { useChangeAccount } from "@/features/account/account-data";
import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

export function ProfileForm({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [name, setName] = useState(account.name);
  const [email, setEmail] = useState(account.email);
  const { mutate, isPending, error } = useChangeAccount();
  const change = {
    ...(name.trim() === account.name ? {} : { name: name.trim() }),
    ...(email.trim() === account.email ? {} : { email: email.trim() }),
  };
  const isChanged = Object.keys(change).length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutate(change, { onSuccess: () => showToast(t("account.saved")) });
  };
  return (
    <form onSubmit={submit} className="flex max-w-[26rem] flex-col gap-4">
      <Field
        label={t("account.name")}
        autoComplete="username"
        spellCheck={false}
        required
        value={name}
        hint={t("account.name_hint")}
        onChange={(event) => setName(event.target.value)}
      />
      <Field
        label={t("account.email")}
        type="email"
        autoComplete="email"
        value={email}
        hint={t("account.email_hint")}
        onChange={(event) => setEmail(event.target.value)}
      />
      <Problem text={error?.message} />
      <div>
        <Button kind="primary" type="submit" disabled={!isChanged || name.trim() === "" || isPending}>
          {t("ui.save")}
        </Button>
      </div>
    </form>
  );
}
