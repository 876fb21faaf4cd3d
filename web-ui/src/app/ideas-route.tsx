import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { IdeasPage } from "@/features/ideas/ideas-page";

export function IdeasRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("sidebar.ideas"));
  return <IdeasPage sidebarButton={sidebarButton} />;
}
