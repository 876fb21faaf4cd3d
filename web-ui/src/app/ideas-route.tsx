import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { IdeasPage } from "@/features/ideas/ideas-page";

export function IdeasRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("sidebar.ideas"));
  return (
    <>
      <div className="flex h-13 shrink-0 items-center px-3">{sidebarButton}</div>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <IdeasPage />
      </div>
    </>
  );
}
