import { useTranslation } from "react-i18next";

import { Gate } from "@/features/sign-in/gate";
import { Problem } from "@/shared/form/problem";
import type { ProblemError } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";

interface UnusableProps {
  error: ProblemError;
  kind: "invitation" | "reset";
  onRetry(): void;
}

/** A link that leads nowhere any more, or could not be looked up just now. */
export function Unusable({ error, kind, onRetry }: UnusableProps) {
  const { t } = useTranslation();
  if (error.status !== 404) {
    return (
      <Gate title={t("sign_in.not_now")}>
        <Problem text={error.message} />
        <Button onClick={onRetry}>{t("ui.try_again")}</Button>
      </Gate>
    );
  }
  const [title, lead] =
    kind === "invitation"
      ? [t("sign_in.invitation.gone"), t("sign_in.invitation.gone_lead")]
      : [t("sign_in.reset.gone"), t("sign_in.reset.gone_lead")];
  return (
    <Gate title={title} lead={lead}>
      <Button onClick={() => location.assign("/")}>{t("sign_in.to_start")}</Button>
    </Gate>
  );
}
