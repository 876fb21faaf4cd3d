/** Keyboard shortcuts: one listener, and a list that `?` and the palette can show. */
import { useEffect, useRef } from "react";

export const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export interface Shortcut {
  id: string;
  /** `mod` is ⌘ on a Mac and Ctrl elsewhere: "mod+k", "mod+shift+o", "?". */
  keys: string;
  /** Where text is written, the key is the field's own, unless nothing is in the field and nothing was since the focus came. */
  isOutsideText?: true;
  run(): void;
}

export function useShortcuts(shortcuts: Shortcut[]): void {
  const wasTyped = useRef(false);
  useEffect(() => {
    const note = ({ type }: Event) => (wasTyped.current = type === "input");
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const isText = isWritten(event.target) && (wasTyped.current || !isEmpty(event.target));
      const pressed = shortcuts.find((shortcut) => matches(shortcut.keys, event) && !(shortcut.isOutsideText && isText));
      if (!pressed) return;
      event.preventDefault();
      pressed.run();
    };
    addEventListener("focusin", note);
    addEventListener("input", note);
    addEventListener("keydown", press);
    return () => {
      removeEventListener("focusin", note);
      removeEventListener("input", note);
      removeEventListener("keydown", press);
    };
  }, [shortcuts]);
}

export function matches(keys: string, event: KeyboardEvent): boolean {
  const wanted = keys.split("+");
  const key = wanted.at(-1) ?? "";
  const mod = wanted.includes("mod");
  if (!mod && (isWritten(event.target) || event.altKey)) return false;
  const hasMod = isMac ? event.metaKey : event.ctrlKey;
  const hasOther = isMac ? event.ctrlKey : event.metaKey;
  if (hasMod !== mod || hasOther) return false;
  if (key !== "?" && event.shiftKey !== wanted.includes("shift")) return false;
  return event.key.toLowerCase() === key;
}

/** The keys as they stand on the keyboard: ["⌘", "K"] or ["Ctrl", "K"]. */
export function keycaps(keys: string): string[] {
  return keys.split("+").map((key) => {
    if (key === "mod") return isMac ? "⌘" : "Ctrl";
    if (key === "shift") return isMac ? "⇧" : "Shift";
    return NAMES[key] ?? key.toUpperCase();
  });
}

const NAMES: Record<string, string> = { escape: "Esc", enter: "Enter", backspace: "⌫", ",": ",", ".": "." };

function isWritten(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

const isEmpty = (field: EventTarget | null) => (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) && field.value === "";
