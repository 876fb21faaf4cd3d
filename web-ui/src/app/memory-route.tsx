import "@/features/memory/words";

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { MemoryPage } from "@/features/memory/memory-page";
import { useIsAdmin } from "@/shared/data/me";

export function MemoryRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("memory.title"));
  return <MemoryPage sidebarButton={sidebarButton} isAdmin={useIsAdmin()} />;
}
