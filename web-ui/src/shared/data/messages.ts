import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { useSession } from "@/shared/connection/session-context";
import { keys } from "@/shared/data/keys";
import { allMessages } from "@/shared/data/message-cache";
import { request } from "@/shared/http/request";
import type { Message, Page } from "@/shared/wire/resources";

const FIRST_PAGE = 50;
const LARGEST_PAGE = 1000;

interface Older {
  before: string;
  limit: number;
}

/** The messages of a conversation, oldest first; `isStored` is false while only this page knows it. */
export function useMessages(conversation: string | null, isStored: boolean) {
  const session = useSession();
  const query = useInfiniteQuery({
    queryKey: keys.messages(conversation ?? ""),
    enabled: conversation !== null && isStored,
    initialPageParam: undefined as Older | undefined,
    queryFn: ({ pageParam, signal }) =>
      request<Page<Message>>(`/api/conversations/${encodeURIComponent(conversation ?? "")}/messages`, {
        query: { limit: pageParam?.limit ?? FIRST_PAGE, before: pageParam?.before },
        signal,
      }),
    // Who goes far back goes in ever larger steps: the beginning of 5,000 messages is nine of them away.
    getNextPageParam: ({ next_cursor: before }, _pages, last) =>
      before === null ? undefined : { before, limit: Math.min(LARGEST_PAGE, 2 * (last?.limit ?? FIRST_PAGE)) },
  });
  const messages = useMemo(() => allMessages(query.data), [query.data]);
  useEffect(() => session.followRunning(messages), [session, messages]);
  return { ...query, messages };
}
