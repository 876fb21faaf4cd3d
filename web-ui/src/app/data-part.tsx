import "@/features/exchange/words";

import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { DataSettings } from "@/features/exchange/data-settings";

export function DataPart() {
  const { t } = useTranslation();
  useTitle(t("settings.data"));
  return <DataSettings />;
}
