import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { ModelList, ServerSettings } from "@/shared/wire/resources";
import type { ModelProfile } from "@/shared/wire/generated";

/** The built-in model that quotes the user's own log: it answers when no language model is connected. */
export const LOG_READER = "builtin/log-reader";

const FRESH_MS = 5 * 60_000;

export function useModels() {
  return useQuery({
    queryKey: keys.models,
    queryFn: ({ signal }) => request<ModelList>("/api/models", { signal }),
    staleTime: FRESH_MS,
  });
}

/** Ask every provider again what it offers. */
export function useRefreshModels() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => request<ModelList>("/api/models", { query: { refresh: 1 } }),
    onSuccess: async (models) => {
      client.setQueryData(keys.models, models);
      await client.invalidateQueries({ queryKey: keys.providers });
    },
  });
}

export function useServerSettings() {
  return useQuery({
    queryKey: keys.settings,
    queryFn: ({ signal }) => request<ServerSettings>("/api/settings", { signal }),
    staleTime: FRESH_MS,
  });
}

export function useChangeDefaultModel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (model: string) =>
      request<ServerSettings>("/api/settings", { method: "PATCH", body: { default_model: model } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.settings });
      await client.invalidateQueries({ queryKey: keys.models });
    },
  });
}

/** A model's name without its provider: `openai/gpt-5-mini` is shown as `gpt-5-mini`. */
export function shortName(model: string): string {
  const slash = model.indexOf("/");
  return slash < 0 ? model : model.slice(slash + 1);
}

export function hasLanguageModel(models: ModelProfile[]): boolean {
  return models.some((model) => model.id !== LOG_READER);
}
