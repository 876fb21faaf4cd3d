/** Assistants: built in, one's own, shared by an admin. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";

import type { ChatOptions, ChatOptionsChange } from "@/shared/data/chat-options";
import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { Assistant, AssistantDraft, WholeAssistant } from "@/shared/wire/resources";

const FRESH_MS = 5 * 60_000;

const path = (id: string) => `/api/assistants/${encodeURIComponent(id)}`;

export function useAssistants() {
  return useQuery({
    queryKey: keys.assistants,
    queryFn: async ({ signal }) => (await request<{ items: Assistant[] }>("/api/assistants", { signal })).items,
    staleTime: FRESH_MS,
  });
}

/** With its instructions; always asked for anew, for who is going to change it. */
export function useWholeAssistant(id: string | null) {
  return useQuery({
    queryKey: keys.assistant(id ?? ""),
    enabled: id !== null,
    queryFn: ({ signal }) => request<WholeAssistant>(path(id ?? ""), { signal }),
    staleTime: 0,
    gcTime: 0,
  });
}

interface Saved {
  /** Null makes a new one. */
  id: string | null;
  draft: AssistantDraft;
  /** When it was read: somebody's change since is not overwritten. */
  readAt?: number | undefined;
  /** Whether it is to be shared with everybody; undefined leaves that as it is. */
  isShared?: boolean | undefined;
}

export function useSaveAssistant() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, draft, readAt, isShared }: Saved) => {
      const saved = await (id === null
        ? request<WholeAssistant>("/api/assistants", { method: "POST", body: draft })
        : request<WholeAssistant>(path(id), { method: "PATCH", body: { ...draft, read_at: readAt ?? null } }));
      return isShared === undefined || isShared === saved.is_shared ? saved : share(saved.id, isShared);
    },
    onSettled: () => reload(client),
  });
}

export function useShareAssistant() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, isShared }: { id: string; isShared: boolean }) => share(id, isShared),
    onSettled: () => reload(client),
  });
}

/** It can be restored for 30 days. */
export function useDeleteAssistant() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<undefined>(path(id), { method: "DELETE" }),
    onSettled: () => reload(client),
  });
}

export function useRestoreAssistant() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<unknown>(`${path(id)}/restore`, { method: "POST" }),
    onSettled: () => reload(client),
  });
}

/**
 * What choosing an assistant changes: its model, if it can be had, and its temperature come along; what the one before
 * it had brought goes. The server does the same for who names nothing but the assistant.
 */
export function choiceOf(
  chosen: Assistant | undefined,
  before: Assistant | undefined,
  options: ChatOptions,
  models: readonly { id: string }[] | undefined,
): ChatOptionsChange {
  const change: ChatOptionsChange = { assistant: chosen?.id ?? "" };
  if (chosen?.model) change.model = !models || models.some(({ id }) => id === chosen.model) ? chosen.model : options.model;
  else if (before?.model && before.model === options.model) change.model = "";
  if (chosen && chosen.temperature !== null) change.temperature = chosen.temperature;
  else if (before && before.temperature !== null && before.temperature === options.temperature) change.temperature = null;
  return change;
}

function share(id: string, isShared: boolean): Promise<WholeAssistant> {
  const address = `/api/admin/assistants/${encodeURIComponent(id)}/sharing`;
  return request<WholeAssistant>(address, { method: "PUT", body: { is_shared: isShared } });
}

function reload(client: QueryClient): Promise<void> {
  return client.invalidateQueries({ queryKey: keys.assistants });
}
