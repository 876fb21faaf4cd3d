import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { ProblemError } from "@/shared/http/request";
import { PasswordField } from "@/shared/form/password-field";
import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";

interface NewPasswordFormProps {
  /** Fields before the password. */
  children?: ReactNode;
  /** Whose password it is, for the browser's password manager. */
  username: string;
  action: string;
  error: ProblemError | null;
  isPending: boolean;
  onSubmit(password: string): void;
}

/** A password is chosen: written once, and one can look at it. */
export function NewPasswordForm({ children, username, action, error, isPending, onSubmit }: NewPasswordFormProps) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const isAboutPassword = error !== null && /password/i.test(error.message);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(password);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {children ?? <input type="text" name="username" autoComplete="username" readOnly hidden value={username} />}
      <PasswordField
        label={t("sign_in.new_password")}
        name="new-password"
        autoComplete="new-password"
        autoFocus={children === undefined}
        required
        value={password}
        hint={t("sign_in.password_hint")}
        error={isAboutPassword ? error.message : null}
        onChange={(event) => setPassword(event.target.value)}
      />
      {!isAboutPassword && <Problem text={error?.message} />}
      <Button kind="primary" type="submit" className="min-h-10" disabled={isPending}>
        {action}
      </Button>
    </form>
  );
}
