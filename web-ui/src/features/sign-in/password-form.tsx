import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Action } from "@/features/sign-in/use-action";
import { useAction } from "@/features/sign-in/use-action";
import { useCountdown } from "@/features/sign-in/use-countdown";
import { enter } from "@/shared/data/wanted-place";
import { PasswordField } from "@/shared/form/password-field";
import { Problem } from "@/shared/form/problem";
import { request } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

const BACK_OFF = "too_many_attempts";

/** Name and password. What is wrong stands beside the password; who tried too often sees how long to wait. */
export function PasswordForm() {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useAction(async () => {
    await request("/api/sign-in", { method: "POST", body: { name: name.trim(), password } });
    enter();
  });
  const field = usePasswordFocus(signIn);
  const { error } = signIn;
  const isWrong = error?.code === "wrong_credentials";
  const left = useCountdown(error?.code === BACK_OFF ? (error.retryAfterS ?? 0) : 0, error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (left === 0) void signIn.run();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field
        label={t("sign_in.name")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <PasswordField
        ref={field}
        label={t("sign_in.password")}
        name="password"
        autoComplete="current-password"
        required
        value={password}
        error={isWrong ? error.message : null}
        onChange={(event) => setPassword(event.target.value)}
      />
      {error && !isWrong && (error.code !== BACK_OFF || left > 0) && (
        <Problem text={error.code === BACK_OFF ? t("sign_in.too_many") : error.message} />
      )}
      <Button kind="primary" type="submit" className="min-h-10" disabled={signIn.isPending || left > 0}>
        {left > 0 ? t("sign_in.wait", { count: left }) : signIn.isPending ? t("sign_in.signing_in") : t("sign_in.sign_in")}
      </Button>
    </form>
  );
}

/** After a wrong password one can type the right one at once. */
function usePasswordFocus({ error }: Action<[]>) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (error?.code === "wrong_credentials") field.current?.select();
  }, [error]);
  return field;
}
