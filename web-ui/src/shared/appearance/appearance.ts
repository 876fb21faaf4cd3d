/** Theme, reading face and size. Stored in this browser; `app/theme-script.js` reads it before the first paint. */
import { create } from "zustand";

export type Theme = "light" | "dark" | "system";
export type Face = "sans" | "serif";
export type Size = "small" | "medium" | "large" | "larger";

export interface Appearance {
  theme: Theme;
  face: Face;
  size: Size;
}

const KEY = "qd.appearance";
const DEFAULT: Appearance = { theme: "system", face: "sans", size: "medium" };
const GROUND = { light: "#FBFAF7", dark: "#12161B" }; // for the browser's own bars, which read no tokens

export const useAppearance = create<Appearance>(() => ({ ...DEFAULT, ...readStored() }));

export function setAppearance(change: Partial<Appearance>): void {
  useAppearance.setState(change);
  try {
    localStorage.setItem(KEY, JSON.stringify(useAppearance.getState()));
  } catch {
    // storage is switched off: the choice lasts until the page is closed
  }
  applyAppearance();
}

export function applyAppearance(): void {
  const { theme, face, size } = useAppearance.getState();
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const shown = theme === "system" ? (systemIsDark ? "dark" : "light") : theme;
  Object.assign(document.documentElement.dataset, { theme: shown, face, size });
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", GROUND[shown]);
}

/** Follow the system's theme while that is what is wanted. */
export function watchSystemTheme(): void {
  applyAppearance();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyAppearance);
}

function readStored(): Partial<Appearance> {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {}) as Partial<Appearance>;
  } catch {
    return {};
  }
}
