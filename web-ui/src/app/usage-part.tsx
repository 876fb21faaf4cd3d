import "@/features/usage/words";

import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { UsagePage } from "@/features/usage/usage-page";

export function UsagePart() {
  const { t } = useTranslation();
  useTitle(t("settings.usage"));
  return <UsagePage />;
}
