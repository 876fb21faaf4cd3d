import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { useSession } from "@/shared/connection/session-context";
import { keys } from "@/shared/data/keys";
import { allMessages } from "@/shared/data/message-cache";
import { request } from "@/shared/http/request";
import type { Message, Page } from "@/shared/wire/resources";

const PAGE_SIZE = 50;

/** The messages of a conversation, oldest first; `isStored` is false while only this page knows it. */
export function useMessages(conversation: string | null, isStored: boolean) {
  const session = useSession();
  const query = useInfiniteQuery({
    queryKey: keys.messages(conversation ?? ""),
    enabled: conversation !== null && isStored,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      request<Page<Message>>(`/api/conversations/${encodeURIComponent(conversation ?? "")}/messages`, {
        query: { limit: PAGE_SIZE, before: pageParam },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const messages = useMemo(() => allMessages(query.data), [query.data]);
  useEffect(() => session.followRunning(messages), [session, messages]);
  return { ...query, messages };
}
