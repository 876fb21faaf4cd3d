import type { Siblings } from "@/shared/wire/resources";

/** The messages beside `message` in its place, as far as they are named. */
export function neighbours(message: string, { ids }: Siblings): { earlier: string | null; later: string | null } {
  const at = ids.indexOf(message);
  if (at < 0) return { earlier: null, later: null };
  return { earlier: ids[at - 1] ?? null, later: ids[at + 1] ?? null };
}
