import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { Page } from "@/shared/wire/resources";

export interface Hit {
  message: string;
  conversation: string;
  title: string;
  role: "user" | "assistant";
  model: string;
  created_at: number;
  passage: string;
  /** [start, end) in code points of the passage. */
  marks: [number, number][];
  is_archived: boolean;
}

/** As they stand in the address; empty: anything. */
export interface Wanted {
  q: string;
  order: string;
  who: string;
  has: string;
  model: string;
  folder: string;
  from: string;
  to: string;
}

export const NAMES = ["q", "order", "who", "has", "model", "folder", "from", "to"] as const;

export function readWanted(query: string): Wanted {
  const found = new URLSearchParams(query);
  return Object.fromEntries(NAMES.map((name) => [name, found.get(name) ?? ""])) as unknown as Wanted;
}

export function writeWanted(wanted: Wanted): string {
  const given = NAMES.filter((name) => wanted[name] !== "").map((name) => [name, wanted[name]]);
  return new URLSearchParams(given).toString();
}

export function isFiltered(wanted: Wanted): boolean {
  return NAMES.some((name) => name !== "q" && name !== "order" && wanted[name] !== "");
}

export function useSearch(wanted: Wanted) {
  const query = useInfiniteQuery({
    queryKey: keys.search(wanted),
    enabled: wanted.q.trim() !== "" || isFiltered(wanted),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => {
      const given = Object.fromEntries(NAMES.map((name) => [name, wanted[name] || undefined]));
      return request<Page<Hit>>("/api/search", { query: { ...given, cursor: pageParam }, signal });
    },
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
    staleTime: 0,
  });
  const hits = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, hits };
}

export interface Piece {
  text: string;
  isMarked: boolean;
}

/** The passage cut at its marks, which count code points and not UTF-16 units. */
export function cutPassage(passage: string, marks: readonly (readonly [number, number])[]): Piece[] {
  const letters = Array.from(passage);
  const pieces: Piece[] = [];
  let at = 0;
  for (const [start, end] of marks) {
    if (start > at) pieces.push({ text: letters.slice(at, start).join(""), isMarked: false });
    pieces.push({ text: letters.slice(start, end).join(""), isMarked: true });
    at = end;
  }
  if (at < letters.length) pieces.push({ text: letters.slice(at).join(""), isMarked: false });
  return pieces;
}
