import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { DeletedPage } from "@/features/deleted/deleted-page";

export function DeletedRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("sidebar.deleted"));
  return <DeletedPage sidebarButton={sidebarButton} />;
}
