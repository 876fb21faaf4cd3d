import { create } from "zustand";

/** What this page heard since the conversation list was loaded: the running turn of a conversation, or null. */
export const useRunning = create<Record<string, string | null>>(() => ({}));

export function markRunning(conversation: string, turn: string): void {
  useRunning.setState({ [conversation]: turn });
}

/** Unless a later turn of the conversation runs by now, or waits for its place. */
export function markEnded(conversation: string, turn: string): void {
  const known = useRunning.getState()[conversation];
  if (known === undefined || known === turn) useRunning.setState({ [conversation]: null });
}
