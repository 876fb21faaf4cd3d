/** Texts to write with, found by what is typed after a slash. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { Snippet } from "@/shared/wire/resources";

const FRESH_MS = 5 * 60_000;

type SnippetDraft = Omit<Snippet, "id">;

export function useSnippets(isEnabled = true) {
  return useQuery({
    queryKey: keys.snippets,
    enabled: isEnabled,
    queryFn: async ({ signal }) => (await request<{ items: Snippet[] }>("/api/snippets", { signal })).items,
    staleTime: FRESH_MS,
  });
}

/** `id` null keeps a new one. */
export function useSaveSnippet() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, draft }: { id: string | null; draft: SnippetDraft }) =>
      id === null
        ? request<Snippet>("/api/snippets", { method: "POST", body: draft })
        : request<Snippet>(`/api/snippets/${id}`, { method: "PATCH", body: draft }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.snippets }),
  });
}

export function useDeleteSnippet() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<undefined>(`/api/snippets/${id}`, { method: "DELETE" }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.snippets }),
  });
}
