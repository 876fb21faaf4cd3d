/** What was forgotten just now: it can be had back until the server lets go of it. */
import { create } from "zustand";

import { takePlace } from "@/shared/ui/toasts";
import type { Memory } from "@/shared/wire/memories";

export interface Forgotten {
  id: string;
  text: string;
  /** The version that forgetting made; undoing it brings the memory back. */
  version: number;
  until: number;
  /** Among all that can be undone. */
  place: number;
}

export const useForgotten = create<{ forgotten: Forgotten[] }>(() => ({ forgotten: [] }));

export function noteForgotten({ id, text, version }: Memory, until: number): void {
  const entry = { id, text, version: version + 1, until, place: takePlace() };
  useForgotten.setState(({ forgotten }) => ({ forgotten: [entry, ...forgotten.filter((other) => other.id !== id)] }));
}

export function dropForgotten(id: string): void {
  useForgotten.setState(({ forgotten }) => ({ forgotten: forgotten.filter((other) => other.id !== id) }));
}
