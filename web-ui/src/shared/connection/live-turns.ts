/** The turns this page follows. React reads them through `useTurnPicture`. */
import { useCallback, useSyncExternalStore } from "react";
import { create } from "zustand";

import { LiveTurn } from "@/shared/connection/live-turn";
import type { TurnPicture } from "@/shared/connection/live-turn";

interface Followed {
  turns: Readonly<Record<string, LiveTurn>>;
}

export const useFollowed = create<Followed>(() => ({ turns: {} }));

export function findTurn(id: string): LiveTurn | undefined {
  return useFollowed.getState().turns[id];
}

export function addTurn(id: string, conversation: string, isReplayed: boolean): LiveTurn {
  const turn = new LiveTurn(id, conversation, isReplayed);
  useFollowed.setState(({ turns }) => ({ turns: { ...turns, [id]: turn } }));
  return turn;
}

export function removeTurn(id: string): void {
  useFollowed.setState(({ turns }) => {
    const { [id]: _removed, ...rest } = turns;
    return { turns: rest };
  });
}

export function followedTurns(): LiveTurn[] {
  return Object.values(useFollowed.getState().turns);
}

const NOT_FOLLOWED = () => () => undefined;

/** What is shown of a turn in this frame; null when it is not followed (any more). */
export function useTurnPicture(id: string | null): TurnPicture | null {
  const turn = useFollowed((state) => (id === null ? undefined : state.turns[id]));
  const watch = useCallback((watcher: () => void) => (turn ? turn.watch(watcher) : NOT_FOLLOWED()), [turn]);
  return useSyncExternalStore(watch, () => turn?.picture ?? null);
}
