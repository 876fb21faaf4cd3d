import { Suspense, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Route, Switch, useLocation } from "wouter";

import { ConversationPage } from "@/app/conversation-page";
import { OfflineBanner } from "@/app/offline-banner";
import { setShell, useShell } from "@/app/shell-state";
import { SidebarFrame } from "@/app/sidebar-frame";
import { SidebarButton } from "@/app/sidebar-button";
import { useGlobalShortcuts } from "@/app/use-global-shortcuts";
import { useIsAdmin, useMe } from "@/shared/data/me";
import { findMessageField } from "@/shared/keyboard/message-field";
import { late } from "@/shared/late/late";
import { DialogNotLoaded, LatePageHeader, PageNotLoaded } from "@/shared/late/not-loaded";

const SettingsRoute = late(() => import("@/app/settings-route"), "SettingsRoute", PageNotLoaded);
const AdminRoute = late(() => import("@/app/admin-route"), "AdminRoute", PageNotLoaded);
const IdeasRoute = late(() => import("@/app/ideas-route"), "IdeasRoute", PageNotLoaded);
const SearchRoute = late(() => import("@/app/search-route"), "SearchRoute", PageNotLoaded);
const MemoryRoute = late(() => import("@/app/memory-route"), "MemoryRoute", PageNotLoaded);
const DeletedRoute = late(() => import("@/app/deleted-route"), "DeletedRoute", PageNotLoaded);
const PaletteHost = late(() => import("@/app/palette-host"), "PaletteHost", DialogNotLoaded);
const ShortcutHost = late(() => import("@/app/shortcut-host"), "ShortcutHost", DialogNotLoaded);

export function Shell() {
  const { t } = useTranslation();
  const isPaletteOpen = useShell((state) => state.isPaletteOpen);
  const areShortcutsOpen = useShell((state) => state.areShortcutsOpen);
  const main = useMainFocus();
  const isGuest = useMe(({ role }) => role === "guest");
  const isAdmin = useIsAdmin();
  useGlobalShortcuts();
  return (
    <div className="flex h-full">
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          (findMessageField() ?? main.current)?.focus();
        }}
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-4 py-2 text-sm font-medium text-on-accent focus:translate-y-0"
      >
        {t("shell.skip")}
      </a>
      <SidebarFrame />
      <main id="main" ref={main} tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
        <OfflineBanner />
        <Suspense fallback={<LatePageHeader sidebarButton={<SidebarButton />} />}>
          <Switch>
            <Route path="/">
              <ConversationPage id={null} />
            </Route>
            <Route path="/c/:id">{({ id }) => <ConversationPage id={id} />}</Route>
            {!isGuest && (
              <Route path="/ideas">
                <IdeasRoute sidebarButton={<SidebarButton />} />
              </Route>
            )}
            {!isGuest && (
              <Route path="/memory/*?">
                <MemoryRoute sidebarButton={<SidebarButton />} />
              </Route>
            )}
            {!isGuest && (
              <Route path="/deleted">
                <DeletedRoute sidebarButton={<SidebarButton />} />
              </Route>
            )}
            {!isGuest && (
              <Route path="/search">
                <SearchRoute sidebarButton={<SidebarButton />} />
              </Route>
            )}
            {!isGuest && (
              <Route path="/settings/*?">
                <SettingsRoute sidebarButton={<SidebarButton />} />
              </Route>
            )}
            {isAdmin && (
              <Route path="/admin/*?">
                <AdminRoute sidebarButton={<SidebarButton />} />
              </Route>
            )}
            <Route>
              <ConversationPage id={null} />
            </Route>
          </Switch>
        </Suspense>
      </main>
      <Suspense>
        {isPaletteOpen && <PaletteHost onClose={() => setShell({ isPaletteOpen: false })} />}
        {areShortcutsOpen && <ShortcutHost onClose={() => setShell({ areShortcutsOpen: false })} />}
      </Suspense>
    </div>
  );
}

/** A page without a message field takes the focus itself when it is opened, so that reading begins there. */
function useMainFocus() {
  const main = useRef<HTMLElement>(null);
  const [location] = useLocation();
  const isFirst = useRef(true);
  useEffect(() => {
    const hasField = location === "/" || location.startsWith("/c/");
    if (!isFirst.current && !hasField) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [location]);
  return main;
}
