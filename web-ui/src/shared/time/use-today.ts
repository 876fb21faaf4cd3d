import { useSyncExternalStore } from "react";

import { startOfDay } from "@/shared/time/format";

const EVERY_MS = 60_000;

/** The beginning of today; a page that stays open over midnight learns of it within a minute. */
export function useToday(): number {
  return useSyncExternalStore(watch, () => startOfDay(Date.now()));
}

function watch(notify: () => void): () => void {
  const timer = setInterval(notify, EVERY_MS);
  return () => clearInterval(timer);
}
