import type { KeyboardEvent } from "react";

/** Whether the key belongs to an input method that is composing a word: Enter, Escape and arrows are its own then. */
export function isComposing({ nativeEvent, keyCode }: KeyboardEvent): boolean {
  return nativeEvent.isComposing || keyCode === 229; // Safari ends composing before the key
}
