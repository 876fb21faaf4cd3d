/** What the model sees: manifests of answers, summaries of a conversation, how full the window is, pinned and excluded. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { create } from "zustand";

import { keys } from "@/shared/data/keys";
import { changeMessage } from "@/shared/data/message-cache";
import { request } from "@/shared/http/request";
import type { Message, MessageMark, Page, Summary, TurnContext, Window } from "@/shared/wire/resources";

/** Whose context is shown beside the conversation: a turn, or nobody's. */
export const useShownContext = create<{ turn: string | null }>(() => ({ turn: null }));

export function showContext(turn: string | null): void {
  useShownContext.setState({ turn });
}

export function useTurnContext(turn: string) {
  return useQuery({
    queryKey: keys.context(turn),
    queryFn: ({ signal }) =>
      request<TurnContext>(`/api/turns/${encodeURIComponent(turn)}/context`, { query: { texts: 1 }, signal }),
    staleTime: 0,
  });
}

/** The summaries of what is loaded of a conversation, from the message `first` on. */
export function useSummaries(conversation: string, first: string | undefined) {
  return useQuery({
    queryKey: keys.summaries(conversation, first ?? ""),
    enabled: first !== undefined,
    queryFn: ({ signal }) =>
      request<Page<Summary>>(`/api/conversations/${encodeURIComponent(conversation)}/summaries`, { query: { first }, signal }),
    placeholderData: (previous) => previous,
  });
}

/** `tip` changes with each message, and what is sent changes with it. */
export function useWindow(conversation: string | null, model: string, tip: string | undefined) {
  return useQuery({
    queryKey: keys.window(conversation ?? "", model, tip ?? ""),
    enabled: conversation !== null && tip !== undefined,
    queryFn: ({ signal }) =>
      request<Window>(`/api/conversations/${encodeURIComponent(conversation ?? "")}/context`, {
        query: model ? { model } : {},
        signal,
      }),
    placeholderData: (previous) => previous,
  });
}

export function useMark(message: Message) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (mark: MessageMark) =>
      request<undefined>(`/api/messages/${encodeURIComponent(message.id)}/mark`, { method: "PATCH", body: { mark } }),
    onSuccess: async (_, mark) => {
      changeMessage(client, message.conversation, message.id, { mark });
      await client.invalidateQueries({ queryKey: ["window", message.conversation] });
    },
  });
}
