/** Another model is to answer the next message, too: wanted in the composer, asked for when the first answer is complete. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { create } from "zustand";

import { compare } from "@/features/conversation/comparison";
import { useAliases } from "@/shared/connection/aliases";
import { answerAnew, reloadPath } from "@/shared/data/tree";
import { showToast } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

interface Awaited {
  model: string;
  conversation: string;
  /** The last message before it was sent. */
  after: string | undefined;
}

interface Beside {
  /** That answers the next message, too; empty: none. */
  model: string;
  awaited: Awaited | null;
}

export const useBeside = create<Beside>(() => ({ model: "", awaited: null }));

export function wantBeside(model: string): void {
  useBeside.setState({ model });
}

/** A message goes out: from now on its answer is waited for. */
export function noteSent(conversation: string, after: string | undefined): void {
  const { model } = useBeside.getState();
  if (model !== "") useBeside.setState({ model: "", awaited: { model, conversation, after } });
}

/** Asks the other model when the answer to what was sent is complete, and shows both beside each other. */
export function useAnswerBeside(messages: readonly Message[]): void {
  const client = useQueryClient();
  const awaited = useBeside((state) => state.awaited);
  const aliases = useAliases();
  const answer = awaited === null ? null : findAnswer(awaited, aliases, messages);
  const isComplete = answer?.status === "complete";
  const hasEnded = isComplete || answer?.status === "failed" || answer?.status === "stopped";
  const id = answer?.id;
  useEffect(() => {
    const wanted = useBeside.getState().awaited;
    if (!hasEnded || id === undefined || wanted === null) return;
    useBeside.setState({ awaited: null });
    if (!isComplete) return;
    const conversation = useAliases.getState()[wanted.conversation] ?? wanted.conversation;
    answerAnew(id, { model: wanted.model, beside: true })
      .then(({ answer: other }) => {
        compare([id, other]);
        return reloadPath(client, conversation);
      })
      .catch((error: Error) => showToast(error.message));
  }, [client, id, isComplete, hasEnded]);
}

export function findAnswer({ conversation, after }: Awaited, aliases: Record<string, string>, messages: readonly Message[]): Message | null {
  const last = messages.at(-1);
  if (!last || last.id === after || last.role !== "assistant") return null;
  return last.conversation === (aliases[conversation] ?? conversation) ? last : null;
}
