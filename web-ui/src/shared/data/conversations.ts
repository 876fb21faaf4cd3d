import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { Conversation, ConversationPatch, Page } from "@/shared/wire/resources";

const PAGE_SIZE = 50;

const path = (id: string) => `/api/conversations/${encodeURIComponent(id)}`;

/** Which conversations a list shows. */
export type Among = { kind: "all" } | { kind: "archive" } | { kind: "folder"; id: string };

const EVERYTHING: Among = { kind: "all" };

/**
 * Those whose title has each word of `search`. While the server cannot be asked they are picked from what was loaded
 * before, and `isFromLoaded` says so.
 */
export function useConversations(search: string, among: Among | { kind: "deleted" } = EVERYTHING) {
  const client = useQueryClient();
  const folder = among.kind === "folder" ? among.id : undefined;
  const archived = among.kind === "archive" ? "true" : undefined;
  const deleted = among.kind === "deleted" ? "true" : undefined;
  const place = folder ?? among.kind;
  const query = useInfiniteQuery({
    queryKey: keys.conversations(search, place),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      request<Page<Conversation>>("/api/conversations", {
        query: { limit: PAGE_SIZE, cursor: pageParam, q: search, folder, archived, deleted },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous, before) => (before?.queryKey[2] === place ? previous : undefined),
  });
  const { data, isPlaceholderData, failureCount, isPaused } = query;
  const isFromLoaded = (data === undefined || isPlaceholderData) && (failureCount > 0 || isPaused);
  const conversations = useMemo(() => {
    if (isFromLoaded) return findLoaded(client, search, place);
    return data?.pages.flatMap((page) => page.items) ?? [];
  }, [data, isFromLoaded, client, search, place]);
  return { ...query, conversations, isFromLoaded };
}

/** In the order of the list that shows all of this place, where that was loaded; then what other lists have. */
function findLoaded(client: QueryClient, search: string, place: string): Conversation[] {
  const whole = client.getQueryData<Listed>(keys.conversations("", place))?.pages.flatMap((page) => page.items) ?? [];
  const known = new Map([...whole, ...listedAnywhere(client)].map((conversation) => [conversation.id, conversation]));
  const words = comparable(search).split(/\s+/);
  return [...known.values()].filter(
    (conversation) => isIn(conversation, place) && words.every((word) => comparable(conversation.title).includes(word)),
  );
}

function isIn({ folder, archived_at, deleted_at }: Conversation, place: string): boolean {
  if (deleted_at || place === "deleted") return Boolean(deleted_at) && place === "deleted";
  if (place === "all" || place === "archive") return Boolean(archived_at) === (place === "archive");
  return folder === place && !archived_at;
}

const comparable = (text: string) => text.normalize("NFC").toLowerCase();

export function useConversation(id: string | null, isStored = true) {
  const client = useQueryClient();
  return useQuery<Conversation>({
    queryKey: keys.conversation(id ?? ""),
    enabled: id !== null && isStored,
    queryFn: ({ signal }) => request<Conversation>(path(id ?? ""), { signal }),
    placeholderData: () => listed(client).find((conversation) => conversation.id === id),
  });
}

export function useChangeConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, patch }: { id: string; patch: ConversationPatch }) =>
      request<Conversation>(path(id), { method: "PATCH", body: patch }),
    onMutate: ({ id, patch }) => applyPatch(client, id, patch),
    onSettled: (_result, _error, { id }) => reload(client, id),
  });
}

/** Deleting can be undone for 30 days; the row leaves the list at once. */
export function useDeleteConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<undefined>(path(id), { method: "DELETE" }),
    onMutate: (id) => removeListed(client, id),
    onSettled: () => client.invalidateQueries({ queryKey: keys.allConversations }),
  });
}

export function useRestoreConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<unknown>(`${path(id)}/restore`, { method: "POST" }),
    onSettled: async (_result, _error, id) => {
      await reload(client, id);
      await client.invalidateQueries({ queryKey: keys.messages(id) });
    },
  });
}

type Listed = InfiniteData<Page<Conversation>>;

function listed(client: QueryClient): Conversation[] {
  return listedAnywhere(client).filter(({ deleted_at }) => !deleted_at);
}

function listedAnywhere(client: QueryClient): Conversation[] {
  const lists = client.getQueriesData<Listed>({ queryKey: keys.allConversations });
  return lists.flatMap(([, list]) => list?.pages.flatMap((page) => page.items) ?? []);
}

function changeListed(client: QueryClient, change: (items: Conversation[]) => Conversation[]): void {
  client.setQueriesData<Listed>({ queryKey: keys.allConversations }, (list) =>
    list && { ...list, pages: list.pages.map((page) => ({ ...page, items: change(page.items) })) },
  );
}

function removeListed(client: QueryClient, id: string): void {
  changeListed(client, (items) => items.filter((item) => item.id !== id));
}

function applyPatch(client: QueryClient, id: string, patch: ConversationPatch): void {
  changeListed(client, (items) => items.map((item) => (item.id === id ? { ...item, ...patch } : item)));
  client.setQueryData<Conversation>(keys.conversation(id), (known) => known && { ...known, ...patch });
}

async function reload(client: QueryClient, id: string): Promise<void> {
  await client.invalidateQueries({ queryKey: keys.allConversations });
  await client.invalidateQueries({ queryKey: keys.conversation(id) });
}
