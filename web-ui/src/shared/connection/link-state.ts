import { create } from "zustand";

import type { Rung } from "@/shared/connection/wire";

/**
 * `open`: frames flow. `connecting`: for the first time or again. `waiting`: the next try is at `retryAt`.
 * `signed-out`: the server knows us no more.
 */
export type LinkState = "connecting" | "open" | "waiting" | "signed-out";

interface Link {
  state: LinkState;
  /** Over what frames flow, or are to. */
  rung: Rung;
  /** When the link was last open, or when the page began; milliseconds since 1970. */
  lostAt: number | null;
  /** Why we are signed out, in the server's words; empty while we are not, or when it has nothing to add. */
  reason: string;
}

export const useLink = create<Link>(() => ({ state: "connecting", rung: "socket", lostAt: Date.now(), reason: "" }));

export function setLinkState(state: LinkState, rung?: Rung, reason = ""): void {
  const known = useLink.getState();
  const lostAt = state === "open" ? null : (known.lostAt ?? Date.now());
  // It is said twice: by the request that was refused, with the reason, and by the socket that asked.
  useLink.setState({ state, rung: rung ?? known.rung, lostAt, reason: state === "signed-out" ? reason || known.reason : "" });
}
