import { useTranslation } from "react-i18next";

import { Gate } from "@/features/sign-in/gate";
import { NewPasswordForm } from "@/features/sign-in/new-password-form";
import { Unusable } from "@/features/sign-in/unusable";
import { useAction } from "@/features/sign-in/use-action";
import { useLoaded } from "@/features/sign-in/use-loaded";
import { request } from "@/shared/http/request";

/** A link to choose a new password: from an admin, or by mail. */
export function ResetPage({ secret }: { secret: string }) {
  const { t } = useTranslation();
  const path = `/api/password-reset/${encodeURIComponent(secret)}`;
  const { value: found, error, reload } = useLoaded<{ name: string }>(path);
  const choose = useAction(async (password: string) => {
    await request(path, { method: "POST", body: { password } });
    location.assign("/");
  });
  if (error) return <Unusable error={error} kind="reset" onRetry={reload} />;
  if (!found) return <main aria-busy className="h-full" />;
  return (
    <Gate title={t("sign_in.reset.title")} lead={t("sign_in.reset.lead", { name: found.name })}>
      <NewPasswordForm
        username={found.name}
        action={t("sign_in.reset.save")}
        error={choose.error}
        isPending={choose.isPending}
        onSubmit={(password) => void choose.run(password)}
      />
    </Gate>
  );
}
