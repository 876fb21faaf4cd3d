/** What this tab keeps over a reload. Where storage is full or switched off, it lasts as long as the page. */
import { create } from "zustand";

import { ownPrefix } from "@/shared/data/own-storage";

export function readTab<Value>(name: string): Value | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null") as Value | null;
  } catch {
    return null;
  }
}

export function writeTab(name: string, value: unknown): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // as above
  }
}

/**
 * A store of what somebody has begun and not ended, empty at first. It is written when the page is left, or may be ended
 * without a word: behind another one on a phone.
 */
export function createKept<State extends object>(kind: string) {
  const name = ownPrefix(kind);
  const store = create<State>(() => readTab<State>(name) ?? ({} as State));
  const write = () => writeTab(name, store.getState());
  addEventListener("pagehide", write);
  document.addEventListener("visibilitychange", write);
  return store;
}
