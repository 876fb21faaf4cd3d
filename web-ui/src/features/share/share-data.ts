import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { Page } from "@/shared/wire/resources";

export interface Share {
  id: string;
  message_count: number;
  created_at: number;
  revoked_at: number | null;
}

interface NewShare {
  id: string;
  /** Shown this once. */
  url: string;
  /** Answers that were still being written, and of which it says no more than that. */
  unfinished: number;
}

export function useShares(conversation: string) {
  return useQuery({
    queryKey: keys.shares(conversation),
    queryFn: ({ signal }) => request<Page<Share>>("/api/shares", { query: { conversation }, signal }),
    select: ({ items }) => items,
  });
}

export function useMakeShare(conversation: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      request<NewShare>(`/api/conversations/${encodeURIComponent(conversation)}/shares`, { method: "POST" }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.shares(conversation) }),
  });
}

export function useRevokeShare(conversation: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<undefined>(`/api/shares/${encodeURIComponent(id)}`, { method: "DELETE" }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.shares(conversation) }),
  });
}
