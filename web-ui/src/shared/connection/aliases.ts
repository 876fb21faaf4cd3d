import { create } from "zustand";

/** Names that this page made up for new conversations, with the names the server gave them. */
export const useAliases = create<Record<string, string>>(() => ({}));

export function setAlias(madeUp: string, given: string): void {
  useAliases.setState({ [madeUp]: given });
}
