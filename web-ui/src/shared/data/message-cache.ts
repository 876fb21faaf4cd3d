/**
 * The loaded messages of a conversation in the query cache. Pages are newest first, the messages in a
 * page oldest first, as the server gives them.
 */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";

import type { SendEntry } from "@/shared/connection/outbox";
import { keys } from "@/shared/data/keys";
import type { AcceptedFrame, FoldedTurn } from "@/shared/wire/generated";
import type { Message, Page, Siblings } from "@/shared/wire/resources";

export type LoadedMessages = InfiniteData<Page<Message>>;

export function allMessages(loaded: LoadedMessages | undefined): Message[] {
  return (loaded?.pages ?? []).toReversed().flatMap((page) => page.items);
}

/** A message was accepted: show it and the answer that is on its way, without asking the server again. */
export function addExchange(client: QueryClient, entry: SendEntry, accepted: AcceptedFrame): void {
  const { at } = accepted;
  const parent = lastId(client, accepted.conversation);
  const sent: Message = {
    ...blank(accepted.message, accepted.conversation, parent, at),
    role: "user",
    status: "complete",
    parts: [{ kind: "text", text: entry.text }],
    ended_at: at,
  };
  const status = isAnswering(client, accepted.conversation) ? "queued" : "running";
  append(client, accepted.conversation, [sent, { ...answerTo(accepted), status }]);
}

/** The new answer takes the place of the one it replaces. */
export function replaceAnswer(client: QueryClient, replaced: string, accepted: AcceptedFrame): void {
  const answer = answerTo(accepted);
  change(client, accepted.conversation, (message) =>
    message.id === replaced ? { ...answer, siblings: withNewest(message, answer.id) } : message,
  );
}

/** A new message stands beside `message`, as the last one there. */
export function withNewest({ id, siblings }: Message, newest: string): Siblings {
  const { count, ids } = siblings ?? { count: 1, ids: [id] };
  return { position: count + 1, count: count + 1, ids: [...ids, newest] };
}

/** The turn has ended: the folded answer is the stored one. */
export function settleAnswer(
  client: QueryClient,
  conversation: string,
  id: string,
  turn: FoldedTurn,
  measured: Pick<Message, "first_token_ms" | "thought_ms">,
): void {
  if (turn.status === "running") return;
  const { status, parts, continuations, usage, error, ended_at } = turn;
  const ending = { status, parts, continuations, usage, error, ended_at };
  change(client, conversation, (message) =>
    message.id === id
      ? {
          ...message,
          ...ending,
          first_token_ms: message.first_token_ms ?? measured.first_token_ms ?? null,
          thought_ms: message.thought_ms ?? measured.thought_ms ?? null,
        }
      : message,
  );
}

/** Something of a message was changed here, and is so on the server. */
export function changeMessage(client: QueryClient, conversation: string, id: string, values: Partial<Message>): void {
  change(client, conversation, (message) => (message.id === id ? { ...message, ...values } : message));
}

function blank(id: string, conversation: string, parent: string | null, at: number): Message {
  return {
    id,
    conversation,
    parent,
    role: "assistant",
    status: "running",
    parts: [],
    model: "",
    created_at: at,
    ended_at: null,
    turn: null,
  };
}

function answerTo({ answer, conversation, message, turn, model, at }: AcceptedFrame): Message {
  return { ...blank(answer, conversation, message, at), model, turn };
}

/** Whether an answer is being written, for which the next one has to wait. */
function isAnswering(client: QueryClient, conversation: string): boolean {
  const loaded = client.getQueryData<LoadedMessages>(keys.messages(conversation));
  const newest = loaded?.pages[0]?.items ?? [];
  return newest.some((message) => message.status === "running" || message.status === "queued");
}

function lastId(client: QueryClient, conversation: string): string | null {
  const loaded = client.getQueryData<LoadedMessages>(keys.messages(conversation));
  return loaded?.pages[0]?.items.at(-1)?.id ?? null;
}

function append(client: QueryClient, conversation: string, added: Message[]): void {
  const key = keys.messages(conversation);
  void client.cancelQueries({ queryKey: key });
  client.setQueryData<LoadedMessages>(key, (loaded) => {
    if (!loaded) return { pages: [{ items: added, next_cursor: null }], pageParams: [undefined] };
    const known = new Set(loaded.pages.flatMap((page) => page.items.map((message) => message.id)));
    const fresh = added.filter((message) => !known.has(message.id));
    const [newest, ...older] = loaded.pages;
    const page = { items: [...(newest?.items ?? []), ...fresh], next_cursor: newest?.next_cursor ?? null };
    return { ...loaded, pages: [page, ...older] };
  });
}

function change(client: QueryClient, conversation: string, apply: (message: Message) => Message): void {
  client.setQueryData<LoadedMessages>(keys.messages(conversation), (loaded) =>
    loaded && { ...loaded, pages: loaded.pages.map((page) => ({ ...page, items: page.items.map(apply) })) },
  );
}
