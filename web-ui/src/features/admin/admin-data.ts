/** What the routes under `/api/admin` answer, and the questions to them. Times are milliseconds since 1970. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { request } from "@/shared/http/request";
import type { Page } from "@/shared/wire/resources";

export const path = (...steps: string[]) => `/api/admin/${steps.map(encodeURIComponent).join("/")}`;

/** A list that comes as a whole. */
export function useList<Item>(noun: string) {
  return useQuery({
    queryKey: ["admin", noun],
    queryFn: ({ signal }) => request<Page<Item>>(path(noun), { signal }),
    staleTime: 10_000,
  });
}

/** A list that comes in pages; `cursor` is how the route calls the place to go on from. */
export function usePages<Item>(noun: string, query: Record<string, string>, cursor: "cursor" | "before") {
  const pages = useInfiniteQuery({
    queryKey: ["admin", noun, query],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      request<Page<Item>>(path(noun), { query: { ...query, limit: 50, [cursor]: pageParam }, signal }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
    staleTime: 10_000,
  });
  const items = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return { ...pages, items };
}

interface Change {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  /** After the noun. */
  steps?: string[];
  body?: unknown;
}

/** Changes something of a list; the list is then asked for again. */
export function useAdminChange<Result = unknown>(noun: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ method, steps = [], body }: Change) =>
      request<Result>(path(noun, ...steps), { method, ...(body === undefined ? {} : { body }) }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["admin", noun] }),
  });
}
