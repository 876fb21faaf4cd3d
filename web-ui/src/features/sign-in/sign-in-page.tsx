import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Forgotten } from "@/features/sign-in/forgotten";
import { Gate } from "@/features/sign-in/gate";
import { LinkOnly } from "@/features/sign-in/link-only";
import { PasswordForm } from "@/features/sign-in/password-form";
import { Or, Providers } from "@/features/sign-in/providers";
import { refusalOf } from "@/features/sign-in/refusal";
import { useLoaded } from "@/features/sign-in/use-loaded";
import { isLinkOnly, takesPassword } from "@/features/sign-in/ways";
import type { SignInWays } from "@/features/sign-in/ways";
import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";

interface SignInPageProps {
  isLinkUsed: boolean;
  /** They were signed in when the page was opened. */
  wasSignedIn: boolean;
  /** Why they are not any more, where the server said it. */
  reason: string;
}

/** Whoever is not signed in, wherever they wanted to be. */
export function SignInPage({ isLinkUsed, wasSignedIn, reason }: SignInPageProps) {
  const { t } = useTranslation();
  const { value: known, error, reload } = useLoaded<SignInWays>("/api/sign-in");
  const [hasForgotten, setHasForgotten] = useState(false);
  const [wantsPassword, setWantsPassword] = useState(false);
  if (error) {
    return (
      <Gate title={t("sign_in.signed_out")}>
        <Problem text={error.message} />
        <Button onClick={reload}>{t("ui.try_again")}</Button>
      </Gate>
    );
  }
  if (!known) return <main aria-busy className="h-full" />;
  if (isLinkOnly(known) && !wantsPassword) {
    const askPassword = takesPassword(known) ? () => setWantsPassword(true) : null;
    return <LinkOnly isLinkUsed={isLinkUsed} onPassword={askPassword} />;
  }
  if (hasForgotten) {
    return (
      <Gate title={t("sign_in.forgotten.title")}>
        <Forgotten onBack={() => setHasForgotten(false)} />
      </Gate>
    );
  }
  const refusal = reason || refusalOf(new URLSearchParams(location.search).get("error"), t);
  const lead = isLinkUsed ? t("sign_in.link.used_lead") : wasSignedIn && !refusal ? t("sign_in.signed_out_lead") : null;
  return (
    <Gate title={t("sign_in.title", { server: known.server_name || t("sidebar.name") })} lead={lead}>
      {refusal && <Problem text={refusal} className="rounded-md border border-danger-line bg-danger-soft px-4 py-3" />}
      <Ways known={known} onForgotten={() => setHasForgotten(true)} />
    </Gate>
  );
}

function Ways({ known, onForgotten }: { known: SignInWays; onForgotten(): void }) {
  const { t } = useTranslation();
  const hasPassword = takesPassword(known);
  return (
    <>
      {hasPassword && <PasswordForm />}
      {hasPassword && known.providers.length > 0 && <Or />}
      {known.providers.length > 0 && <Providers providers={known.providers} />}
      {known.ways.access && (
        <div className="flex flex-col items-start gap-3">
          <p className="text-sm leading-6 text-quiet text-pretty">{t("sign_in.access")}</p>
          <Button onClick={() => location.reload()}>{t("sign_in.access_again")}</Button>
        </div>
      )}
      <div className="flex flex-col gap-3 text-sm text-quiet">
        {hasPassword && (
          <button type="button" onClick={onForgotten} className="min-h-8 self-start rounded-sm font-medium text-accent hover:underline">
            {t("sign_in.forgotten.ask")}
          </button>
        )}
        {!known.sign_up && <p className="leading-6 text-pretty">{t("sign_in.no_account")}</p>}
      </div>
    </>
  );
}
