import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { Page } from "@/shared/wire/resources";

export interface Idea {
  id: string;
  text: string;
  conversation: string;
  /** The conversation's title. */
  title: string;
  message: string;
  /** Milliseconds since 1970. */
  created_at: number;
}

const PAGE_SIZE = 200;

function fetchIdeas(conversation: string | null, cursor: string | undefined, signal: AbortSignal) {
  return request<Page<Idea>>("/api/ideas", { query: { conversation, cursor, limit: PAGE_SIZE }, signal });
}

/** All ideas of a conversation, or with `null` of every conversation; page after page until they are all here. */
export function useIdeas(conversation: string | null, isWanted = true) {
  const query = useInfiniteQuery({
    queryKey: keys.ideas(conversation),
    enabled: isWanted,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => fetchIdeas(conversation, pageParam, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  const ideas = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, ideas };
}

export function useDeleteIdea() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<undefined>(`/api/ideas/${encodeURIComponent(id)}`, { method: "DELETE" }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.allIdeas }),
  });
}
