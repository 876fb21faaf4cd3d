import { useTranslation } from "react-i18next";

import { useServerSettings } from "@/shared/data/models";
import { signOut } from "@/shared/data/sign-out";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";

export function About() {
  const { t } = useTranslation();
  const settings = useServerSettings().data;
  const facts = [
    [t("settings.version"), settings?.version],
    [t("settings.data_dir"), settings?.data_dir],
    [t("settings.public_url"), settings?.public_url],
  ].filter((fact): fact is [string, string] => Boolean(fact[1]));
  return (
    <>
      <dl className="text-sm">
        {facts.map(([name, value]) => (
          <div key={name} className="flex flex-wrap gap-x-6 border-b border-line py-2.5">
            <dt className="w-36 text-quiet">{name}</dt>
            <dd className="min-w-0 break-all">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="max-w-[38rem] pt-4 pb-4 text-sm leading-6 text-quiet text-pretty">{t("settings.about_text")}</p>
      <Button onClick={() => void signOut().catch((error: Error) => showToast(error.message))}>{t("settings.sign_out")}</Button>
    </>
  );
}
