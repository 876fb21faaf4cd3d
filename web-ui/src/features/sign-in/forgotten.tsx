import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAction } from "@/features/sign-in/use-action";
import { Problem } from "@/shared/form/problem";
import { request } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

/** A link by mail, where the server can write one; the answer is the same whoever is asked for. */
export function Forgotten({ onBack }: { onBack(): void }) {
  const { t } = useTranslation();
  const [who, setWho] = useState("");
  const [isAsked, setIsAsked] = useState(false);
  const ask = useAction(async () => {
    await request("/api/password-reset", { method: "POST", body: { name_or_email: who.trim() } });
    setIsAsked(true);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void ask.run();
  };
  if (isAsked) {
    return (
      <>
        <p role="status" className="leading-6 text-soft text-pretty">
          {t("sign_in.forgotten.asked")}
        </p>
        <Button autoFocus onClick={onBack}>
          {t("sign_in.forgotten.back")}
        </Button>
      </>
    );
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field
        label={t("sign_in.forgotten.who")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
        value={who}
        hint={t("sign_in.forgotten.hint")}
        onChange={(event) => setWho(event.target.value)}
      />
      <Problem text={ask.error?.message} />
      <Button kind="primary" type="submit" className="min-h-10" disabled={ask.isPending}>
        {t("sign_in.forgotten.send")}
      </Button>
      <Button kind="quiet" onClick={onBack}>
        {t("sign_in.forgotten.back")}
      </Button>
    </form>
  );
}
