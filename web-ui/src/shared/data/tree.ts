/** What one does with a message besides reading it. */
import type { QueryClient } from "@tanstack/react-query";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { AcceptedTurn, Conversation, Deletion, Message, MessageVersion } from "@/shared/wire/resources";

const path = (message: string, rest = "") => `/api/messages/${encodeURIComponent(message)}${rest}`;

export const fetchMessage = (message: string, signal?: AbortSignal) =>
  request<Message>(path(message), signal ? { signal } : {});

/** `version` is the one that was edited; the server refuses (`stale_version`) when there is a later one. */
export const editMessage = (message: string, text: string, version: number) =>
  request<Message>(path(message), { method: "PATCH", body: { text, version } });

export const fetchVersions = (message: string, signal: AbortSignal) =>
  request<{ items: MessageVersion[] }>(path(message, "/versions"), { signal });

export const restoreVersion = (message: string, restored: number, version: number) =>
  request<Message>(path(message, `/versions/${restored}/restore`), { method: "POST", body: { version } });

/** As a question of its own beside the old one, and answered: both or neither. `key`: sent again, it is the same turn. */
export const editAndSend = (message: string, text: string, key: string) =>
  request<AcceptedTurn>(path(message, "/send"), { method: "POST", body: { text, id: key } });

export const chooseMessage = (message: string) => request<Message>(path(message, "/choose"), { method: "POST" });

export const answerAnew = (message: string, how: { model?: string; beside?: boolean }) =>
  request<{ answer: string; turn: string }>(path(message, "/retry"), { method: "POST", body: how });

export const forkConversation = (message: string) => request<Conversation>(path(message, "/fork"), { method: "POST" });

/** The message alone; it and everything below it; everything below it and not it. */
export type Removal = "one" | "from" | "after";

export const deleteMessages = (message: string, what: Removal) =>
  request<Deletion>(path(message), { method: "DELETE", query: { what } });

export const undoDeletion = (deletion: string) =>
  request<Deletion>(`/api/deletions/${encodeURIComponent(deletion)}/undo`, { method: "POST" });

/** The path of a conversation has changed. */
export async function reloadPath(client: QueryClient, conversation: string): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: keys.messages(conversation) }),
    client.invalidateQueries({ queryKey: ["window", conversation] }),
  ]);
}
