/** Memories over HTTP: lists, one, its history and uses, and what changes them. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { toQuery } from "@/features/memory/wanted";
import type { Wanted } from "@/features/memory/wanted";
import { keys } from "@/shared/data/keys";
import { request, requestNew } from "@/shared/http/request";
import type { Memory, MemoryDraft, MemoryPage, MemoryUse, MemoryVersion, UndoneMemory } from "@/shared/wire/memories";

const PAGE_SIZE = 50;
const ROOT = "/api/memories";
const path = (id: string, rest = "") => `${ROOT}/${encodeURIComponent(id)}${rest}`;

export function useMemories(wanted: Wanted) {
  const query = useInfiniteQuery({
    queryKey: keys.memories(wanted),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      request<MemoryPage>(ROOT, { query: { ...toQuery(wanted), cursor: pageParam, limit: PAGE_SIZE }, signal }),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (previous) => previous,
  });
  const memories = useMemo(() => query.data?.pages.flatMap((page) => page.memories) ?? [], [query.data]);
  return { ...query, memories };
}

export function useMemory(id: string) {
  return useQuery({ queryKey: keys.memory(id), queryFn: ({ signal }) => request<Memory>(path(id), { signal }) });
}

export function useHistory(id: string) {
  return useQuery({
    queryKey: [...keys.memory(id), "history"],
    queryFn: async ({ signal }) => (await request<{ versions: MemoryVersion[] }>(path(id, "/history"), { signal })).versions,
  });
}

export function useUses(id: string, isWanted: boolean) {
  return useInfiniteQuery({
    queryKey: [...keys.memory(id), "uses"],
    enabled: isWanted,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      request<{ uses: MemoryUse[]; next: string | null }>(path(id, "/uses"), { query: { cursor: pageParam, limit: 10 }, signal }),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useMakeMemory() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: MemoryDraft) => requestNew<Memory>(ROOT, draft),
    onSuccess: () => reload(client),
  });
}

interface Change extends Partial<MemoryDraft> {
  pinned?: boolean;
}

/** The server refuses (`stale_version`) when it was changed since it was read; the list then shows what it is now. */
export function useChangeMemory() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ memory, change }: { memory: Memory; change: Change }) =>
      request<Memory>(path(memory.id), { method: "PATCH", body: { version: memory.version, ...change } }),
    onSettled: () => reload(client),
  });
}

export function useForget() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (memory: Memory) => request<{ undo_until: number }>(path(memory.id), { method: "DELETE" }),
    onSettled: () => reload(client),
  });
}

/** Takes back the change that made `version`. */
export function useUndo() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, version }: { id: string; version: number }) =>
      request<UndoneMemory>(path(id, "/undo"), { method: "POST", body: { version } }),
    onSettled: () => reload(client),
  });
}

/** Everything that is shown of memories: one change may touch others, and the notes. */
export async function reload(client: QueryClient): Promise<void> {
  await client.invalidateQueries({ queryKey: keys.allMemories });
}
