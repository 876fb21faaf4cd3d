import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "@/features/account/account-data";
import { useChangePassword } from "@/features/account/account-data";
import { PasswordField } from "@/shared/form/password-field";
import { Problem } from "@/shared/form/problem";
import { ProblemError } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";

/** Set a password, or change it with the present one; the form opens when it is asked for. */
export function PasswordSettings({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  if (isOpen) return <PasswordForm account={account} onDone={() => setIsOpen(false)} />;
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-3 text-sm">
      <p className="text-soft">{account.has_password ? t("account.password.is_set") : t("account.password.is_not_set")}</p>
      <Button onClick={() => setIsOpen(true)}>
        {account.has_password ? t("account.password.change") : t("account.password.set")}
      </Button>
    </div>
  );
}

function PasswordForm({ account, onDone }: { account: Account; onDone(): void }) {
  const { t } = useTranslation();
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const { mutate, isPending, error } = useChangePassword();
  const isWrong = error instanceof ProblemError && error.code === "wrong_password";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const change = account.has_password ? { current, new: wanted } : { new: wanted };
    mutate(change, {
      onSuccess: () => {
        showToast(t("account.password.saved"));
        onDone();
      },
    });
  };
  return (
    <form onSubmit={submit} className="flex max-w-[26rem] flex-col gap-4">
      <input type="text" autoComplete="username" readOnly hidden value={account.name} />
      {account.has_password && (
        <PasswordField
          label={t("account.password.current")}
          autoComplete="current-password"
          autoFocus
          required
          value={current}
          error={isWrong ? error.message : null}
          onChange={(event) => setCurrent(event.target.value)}
        />
      )}
      <PasswordField
        label={t("account.password.new")}
        autoComplete="new-password"
        autoFocus={!account.has_password}
        required
        value={wanted}
        hint={t("account.password.hint")}
        onChange={(event) => setWanted(event.target.value)}
      />
      <Problem text={isWrong ? null : error?.message} />
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending}>
          {t("ui.save")}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
