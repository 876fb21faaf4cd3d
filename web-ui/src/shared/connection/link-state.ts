import { create } from "zustand";

/**
 * `open`: frames flow. `connecting`: for the first time or again. `waiting`: the next try is at `retryAt`.
 * `signed-out`: the server knows us no more.
 */
export type LinkState = "connecting" | "open" | "waiting" | "signed-out";

interface Link {
  state: LinkState;
  /** When the link was last open, or when the page began; milliseconds since 1970. */
  lostAt: number | null;
}

export const useLink = create<Link>(() => ({ state: "connecting", lostAt: Date.now() }));

export function setLinkState(state: LinkState): void {
  const { lostAt } = useLink.getState();
  useLink.setState({ state, lostAt: state === "open" ? null : (lostAt ?? Date.now()) });
}
