import { create } from "zustand";

/** What is open around the conversation. */
interface ShellState {
  /** Beside the page on a wide screen; remembered. */
  isSidebarShown: boolean;
  /** Over the page on a narrow one. */
  isSidebarOver: boolean;
  isPaletteOpen: boolean;
  areShortcutsOpen: boolean;
  /** Null: shown by itself where ideas are collected. */
  areIdeasShown: boolean | null;
}

const KEY = "qd.sidebar";

export const useShell = create<ShellState>(() => ({
  isSidebarShown: readSidebar(),
  isSidebarOver: false,
  isPaletteOpen: false,
  areShortcutsOpen: false,
  areIdeasShown: null,
}));

export function setShell(change: Partial<ShellState>): void {
  useShell.setState(change);
  if (change.isSidebarShown === undefined) return;
  try {
    localStorage.setItem(KEY, change.isSidebarShown ? "shown" : "hidden");
  } catch {
    // not remembered, then
  }
}

export function toggleSidebar(isNarrow: boolean): void {
  const { isSidebarOver, isSidebarShown } = useShell.getState();
  setShell(isNarrow ? { isSidebarOver: !isSidebarOver } : { isSidebarShown: !isSidebarShown });
}

function readSidebar(): boolean {
  try {
    return localStorage.getItem(KEY) !== "hidden";
  } catch {
    return true;
  }
}
