import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { SearchPage } from "@/features/search/search-page";

export function SearchRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("search.title"));
  return <SearchPage sidebarButton={sidebarButton} />;
}
