import { Download } from "lucide-react";
import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "@/features/account/account-data";
import { useDeleteAccount } from "@/features/account/account-data";
import { PasswordField } from "@/shared/form/password-field";
import { Problem } from "@/shared/form/problem";
import { ProblemError } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";

/** Take everything along, or leave for good. */
export function OwnData({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [isLeaving, setIsLeaving] = useState(false);
  return (
    <div className="flex flex-col items-start gap-5">
      <a
        href="/api/me/export"
        download
        className="inline-flex min-h-9 items-center gap-2 rounded-md border border-line-strong bg-raised px-3.5 text-sm font-medium hover:bg-hover"
      >
        <Download size={15} strokeWidth={1.75} aria-hidden />
        {t("account.data.export")}
      </a>
      {account.role === "owner" ? (
        <p className="max-w-[38rem] text-sm leading-6 text-quiet text-pretty">{t("account.data.owner")}</p>
      ) : (
        <Button kind="danger" onClick={() => setIsLeaving(true)}>
          {t("account.data.delete")}
        </Button>
      )}
      {isLeaving && <LeaveDialog account={account} onClose={() => setIsLeaving(false)} />}
    </div>
  );
}

function LeaveDialog({ account, onClose }: { account: Account; onClose(): void }) {
  const { t } = useTranslation();
  const [proof, setProof] = useState("");
  const { mutate, isPending, error } = useDeleteAccount();
  const isWrong = error instanceof ProblemError && error.code === "wrong_password";
  const isReady = account.has_password ? proof !== "" : proof.trim() === account.name;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutate(account.has_password ? { password: proof } : { name: proof.trim() });
  };
  return (
    <Dialog title={t("account.data.delete")} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4 px-5 pt-4 pb-5">
        <p className="text-sm leading-6 text-soft text-pretty">{t("account.data.delete_text")}</p>
        {account.has_password ? (
          <PasswordField
            label={t("account.password.current")}
            autoComplete="current-password"
            autoFocus
            value={proof}
            error={isWrong ? error.message : null}
            onChange={(event) => setProof(event.target.value)}
          />
        ) : (
          <Field
            label={t("form.type_name", { name: account.name })}
            autoComplete="off"
            autoFocus
            value={proof}
            onChange={(event) => setProof(event.target.value)}
          />
        )}
        <Problem text={isWrong ? null : error?.message} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            {t("ui.cancel")}
          </Button>
          <Button kind="danger" type="submit" disabled={!isReady || isPending}>
            {t("account.data.delete_now")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
