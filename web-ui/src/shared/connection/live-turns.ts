/** The turns this page follows. React reads them through `useTurnOutline` and `useOpenText`. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { create } from "zustand";

import { LiveTurn } from "@/shared/connection/live-turn";
import type { TurnPicture } from "@/shared/connection/live-turn";
import { OpenText } from "@/shared/connection/open-text";
import type { Extension } from "@/shared/connection/open-text";

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
  findTurn(id)?.letGo();
  useFollowed.setState(({ turns }) => {
    const { [id]: _removed, ...rest } = turns;
    return { turns: rest };
  });
}

export function followedTurns(): LiveTurn[] {
  return Object.values(useFollowed.getState().turns);
}

const NOT_FOLLOWED = () => () => undefined;

/**
 * What is shown of a turn, but that the text of its open part may have grown since; null when it is not
 * followed (any more).
 */
export function useTurnOutline(id: string | null): TurnPicture | null {
  const turn = useFollowed((state) => (id === null ? undefined : state.turns[id]));
  const watch = useCallback((watcher: () => void) => (turn ? turn.watch(watcher) : NOT_FOLLOWED()), [turn]);
  return useSyncExternalStore(watch, () => turn?.outline ?? null);
}

/** The text of a part as React is to show it: `stored`, or while it is being written as much as `end` does not show. */
export function useOpenText(id: string | null, part: number, stored: string, end: Extension): string {
  const turn = useFollowed((state) => (id === null ? undefined : state.turns[id]));
  const open = useMemo(() => (turn ? new OpenText(turn, part, end) : null), [turn, part, end]);
  const shown = useSyncExternalStore(open?.watch ?? NOT_FOLLOWED, () => open?.shown ?? null);
  return shown ?? stored;
}
