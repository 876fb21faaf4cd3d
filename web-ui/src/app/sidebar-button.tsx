import { PanelLeft } from "lucide-react";
import { useTranslation } from "react-i18next";

import { toggleSidebar, useShell } from "@/app/shell-state";
import { IconButton } from "@/shared/ui/icon-button";
import { NARROW, useMedia } from "@/shared/ui/use-media";

/** Opens the sidebar while it is hidden. */
export function SidebarButton() {
  const { t } = useTranslation();
  const isNarrow = useMedia(NARROW);
  const isShown = useShell((state) => state.isSidebarShown) && !isNarrow;
  if (isShown) return null;
  return <IconButton icon={PanelLeft} label={t("sidebar.expand")} data-sidebar-button onClick={() => toggleSidebar(isNarrow)} />;
}
