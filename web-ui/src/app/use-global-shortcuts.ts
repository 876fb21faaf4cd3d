import { useMemo } from "react";
import { useLocation } from "wouter";

import { setShell, toggleSidebar, useShell } from "@/app/shell-state";
import { useNewConversation } from "@/app/use-new-conversation";
import { findMessageField } from "@/shared/keyboard/message-field";
import { useShortcuts } from "@/shared/keyboard/shortcuts";
import type { Shortcut } from "@/shared/keyboard/shortcuts";
import { undoLatest } from "@/shared/ui/toasts";
import { NARROW } from "@/shared/ui/use-media";

/** Every key the page listens to, wherever the focus is. `stop` belongs to the open conversation. */
export const SHORTCUT_KEYS = {
  palette: "mod+k",
  search: "mod+shift+f",
  new: "mod+shift+o",
  write: "/",
  undo: "mod+z",
  sidebar: "mod+b",
  ideas_panel: "mod+i",
  settings: "mod+,",
  stop: "mod+.",
  shortcuts: "?",
} as const;

export function useGlobalShortcuts(): void {
  const [, navigate] = useLocation();
  const startNew = useNewConversation();
  const shortcuts = useMemo<Shortcut[]>(
    () => [
      { id: "palette", keys: SHORTCUT_KEYS.palette, run: () => setShell({ isPaletteOpen: !useShell.getState().isPaletteOpen }) },
      { id: "search", keys: SHORTCUT_KEYS.search, run: () => navigate("/search") },
      { id: "new", keys: SHORTCUT_KEYS.new, run: startNew },
      { id: "write", keys: SHORTCUT_KEYS.write, run: () => write(navigate) },
      { id: "undo", keys: SHORTCUT_KEYS.undo, isOutsideText: true, run: undoLatest },
      { id: "sidebar", keys: SHORTCUT_KEYS.sidebar, run: () => toggleSidebar(matchMedia(NARROW).matches) },
      { id: "settings", keys: SHORTCUT_KEYS.settings, run: () => navigate("/settings") },
      { id: "shortcuts", keys: SHORTCUT_KEYS.shortcuts, run: () => setShell({ areShortcutsOpen: true }) },
    ],
    [navigate, startNew],
  );
  useShortcuts(shortcuts);
}

/** To the message field; where there is none, to that of a new conversation, as it was left. */
function write(navigate: (path: string) => void): void {
  const field = findMessageField();
  if (field) return field.focus();
  navigate("/");
  requestAnimationFrame(() => findMessageField()?.focus());
}
