import "@/features/admin/words";

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { AdminPage } from "@/features/admin/admin-page";

export function AdminRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("sidebar.admin"));
  return <AdminPage sidebarButton={sidebarButton} />;
}
