/** Which memories are looked for; it stands in the address, so that one comes back to it. */
import { fromDateField } from "@/features/memory/dates";

export const KINDS = ["fact", "preference", "plan", "relation", "event"] as const;
export const STATES = ["current", "stale", "superseded", "all"] as const;

export interface Wanted {
  q: string;
  kind: string;
  /** Empty: current. */
  state: string;
  pinned: string;
  conversation: string;
  /** As a field for dates has them: the first day that counts, and the last. */
  from: string;
  to: string;
}

const NAMES = ["q", "kind", "state", "pinned", "conversation", "from", "to"] as const;

export const NO_FILTER: Partial<Wanted> = { kind: "", state: "", pinned: "", conversation: "", from: "", to: "" };

export function readWanted(query: string): Wanted {
  const given = new URLSearchParams(query);
  return Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? ""])) as unknown as Wanted;
}

export function writeWanted(wanted: Wanted): string {
  return new URLSearchParams(NAMES.filter((name) => wanted[name] !== "").map((name) => [name, wanted[name]])).toString();
}

export function isFiltered({ q: _q, ...filters }: Wanted): boolean {
  return Object.values(filters).some((value) => value !== "");
}

/** As the route takes it: a day counts to its end, in the reader's zone. */
export function toQuery({ q, kind, state, pinned, conversation, from, to }: Wanted) {
  return {
    q: q.trim(),
    kind,
    state: state || "current",
    pinned: pinned ? "true" : "",
    conversation,
    after: fromDateField(from),
    before: fromDateField(to, 1),
  };
}
