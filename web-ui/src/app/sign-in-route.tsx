import "@/features/sign-in/words";

import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { useTitle } from "@/app/use-title";
import { InvitationPage } from "@/features/sign-in/invitation-page";
import { ResetPage } from "@/features/sign-in/reset-page";
import { SignInPage } from "@/features/sign-in/sign-in-page";
import { useLink } from "@/shared/connection/link-state";

interface SignInRouteProps {
  /** Who was signed in when the page was opened; empty: nobody. */
  user: string;
  isLinkUsed: boolean;
}

/** The pages of whoever is not in yet. */
export function SignInRoute({ user, isLinkUsed }: SignInRouteProps) {
  const { t } = useTranslation();
  const [location] = useLocation();
  const reason = useLink((link) => link.reason);
  const isSignedOut = useLink((link) => link.state === "signed-out");
  useTitle(t("sign_in.sign_in"));
  const [, page, secret = ""] = location.split("/");
  if (page === "invite") return <InvitationPage secret={secret} user={isSignedOut ? "" : user} />;
  if (page === "reset") return <ResetPage secret={secret} />;
  return <SignInPage isLinkUsed={isLinkUsed} wasSignedIn={user !== ""} reason={reason} />;
}
