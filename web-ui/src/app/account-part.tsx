import "@/features/account/words";

import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { AccountSettings } from "@/features/account/account-settings";

export function AccountPart() {
  const { t } = useTranslation();
  useTitle(t("settings.account"));
  return <AccountSettings />;
}
