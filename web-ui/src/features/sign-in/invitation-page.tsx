import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Gate } from "@/features/sign-in/gate";
import { NewPasswordForm } from "@/features/sign-in/new-password-form";
import { Or, Providers } from "@/features/sign-in/providers";
import { useAction } from "@/features/sign-in/use-action";
import { useLoaded } from "@/features/sign-in/use-loaded";
import type { Invitation } from "@/features/sign-in/ways";
import { Unusable } from "@/features/sign-in/unusable";
import { request } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

interface InvitationPageProps {
  secret: string;
  /** Who is signed in in this browser; empty: nobody. */
  user: string;
}

/** Somebody was invited: they choose a name and a password, or come with an account they have elsewhere. */
export function InvitationPage({ secret, user }: InvitationPageProps) {
  const { t } = useTranslation();
  const { value: invitation, error, reload } = useLoaded<Invitation>(`/api/invitations/${encodeURIComponent(secret)}`);
  if (error) return <Unusable error={error} kind="invitation" onRetry={reload} />;
  if (!invitation) return <main aria-busy className="h-full" />;
  if (user !== "") return <AlreadyHere user={user} />;
  return (
    <Gate
      title={t("sign_in.invitation.title")}
      lead={invitation.role === "admin" ? t("sign_in.invitation.lead_admin") : t("sign_in.invitation.lead")}
    >
      <SignUpForm secret={secret} email={invitation.email} />
      {invitation.providers.length > 0 && (
        <>
          <Or />
          <Providers providers={invitation.providers} invitation={secret} />
        </>
      )}
    </Gate>
  );
}

function SignUpForm({ secret, email: known }: { secret: string; email: string }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [email, setEmail] = useState(known);
  const signUp = useAction(async (password: string) => {
    const address = email.trim();
    const body = { invitation: secret, name: name.trim(), password, ...(address ? { email: address } : {}) };
    await request("/api/sign-up", { method: "POST", body });
    location.assign("/");
  });
  const { error } = signUp;
  const isAboutName = error !== null && !/password/i.test(error.message) && /\bname\b/i.test(error.message);
  return (
    <NewPasswordForm
      username={name}
      action={t("sign_in.invitation.join")}
      error={isAboutName ? null : error}
      isPending={signUp.isPending}
      onSubmit={(password) => void signUp.run(password)}
    >
      <Field
        label={t("sign_in.name")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
        value={name}
        hint={t("sign_in.name_hint")}
        error={isAboutName ? error.message : null}
        onChange={(event) => setName(event.target.value)}
      />
      <Field
        label={t("sign_in.email")}
        type="email"
        name="email"
        autoComplete="email"
        value={email}
        hint={t("sign_in.email_hint")}
        onChange={(event) => setEmail(event.target.value)}
      />
    </NewPasswordForm>
  );
}

function AlreadyHere({ user }: { user: string }) {
  const { t } = useTranslation();
  const signOut = useAction(async () => {
    await request("/api/sign-out", { method: "POST" });
    location.reload();
  });
  return (
    <Gate title={t("sign_in.invitation.already", { name: user })} lead={t("sign_in.invitation.already_lead")}>
      <div className="flex flex-col gap-2">
        <Button kind="primary" onClick={() => location.assign("/")}>
          {t("sign_in.invitation.stay")}
        </Button>
        <Button disabled={signOut.isPending} onClick={() => void signOut.run()}>
          {t("sign_in.invitation.leave")}
        </Button>
      </div>
    </Gate>
  );
}
