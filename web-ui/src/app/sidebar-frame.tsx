import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { setShell, toggleSidebar, useShell } from "@/app/shell-state";
import { useConversationId } from "@/app/use-conversation-id";
import { useDeletion } from "@/app/use-deletion";
import { useNewConversation } from "@/app/use-new-conversation";
import { Sidebar } from "@/features/sidebar/sidebar";
import { isFocusLost } from "@/shared/keyboard/message-field";
import { Dialog } from "@/shared/ui/dialog";
import { NARROW, useMedia } from "@/shared/ui/use-media";

/** The sidebar beside the page, or over it on a narrow screen. */
export function SidebarFrame() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const isNarrow = useMedia(NARROW);
  const isShown = useShell((state) => state.isSidebarShown);
  const isOver = useShell((state) => state.isSidebarOver);
  const current = useConversationId();
  const startNew = useNewConversation();
  const remove = useDeletion();
  useButtonFocus(isShown && !isNarrow);
  const close = () => setShell({ isSidebarOver: false });
  const sidebar = (
    <Sidebar
      current={current}
      onNew={() => {
        close();
        startNew();
      }}
      onCollapse={() => toggleSidebar(isNarrow)}
      onPalette={() => setShell({ isPaletteOpen: true })}
      onOpen={close}
      onDelete={remove}
      onGone={(ids) => current !== null && ids.includes(current) && navigate("/")}
    />
  );
  if (isNarrow) {
    return isOver ? (
      <Dialog title={t("sidebar.label")} bare side="left" onClose={close} className="w-[min(19rem,85vw)]">
        {sidebar}
      </Dialog>
    ) : null;
  }
  if (!isShown) return null;
  return (
    <aside aria-label={t("sidebar.label")} className="w-66 shrink-0 border-r border-line">
      {sidebar}
    </aside>
  );
}

/** The button that hides the sidebar goes with it, as the one that shows it goes then: the other takes the focus. */
function useButtonFocus(isBeside: boolean): void {
  const wasBeside = useRef(isBeside);
  useEffect(() => {
    if (wasBeside.current !== isBeside && isFocusLost()) {
      document.querySelector<HTMLElement>("[data-sidebar-button]")?.focus();
    }
    wasBeside.current = isBeside;
  }, [isBeside]);
}
