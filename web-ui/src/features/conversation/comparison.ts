/** Which two answers are shown beside each other. */
import { create } from "zustand";

export type Compared = readonly [string, string];

export const useComparison = create<{ compared: Compared | null }>(() => ({ compared: null }));

export function compare(compared: Compared | null): void {
  useComparison.setState({ compared });
}
