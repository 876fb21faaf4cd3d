import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import type { ProviderDraft, ProviderList, ProviderTest } from "@/shared/wire/resources";

const path = (name: string) => `/api/providers/${encodeURIComponent(name)}`;

export function useProviders() {
  return useQuery({
    queryKey: keys.providers,
    queryFn: ({ signal }) => request<ProviderList>("/api/providers", { signal }),
  });
}

/** Asks the endpoint for its models; nothing is stored. */
export function useTestProvider() {
  return useMutation({
    mutationFn: (draft: ProviderDraft) =>
      request<ProviderTest>("/api/providers/test", { method: "POST", body: draft }),
  });
}

export function useSaveProvider() {
  const reload = useReload();
  return useMutation({
    mutationFn: ({ name, ...body }: ProviderDraft) => request<unknown>(path(name), { method: "PUT", body }),
    onSuccess: reload,
  });
}

export function useRemoveProvider() {
  const reload = useReload();
  return useMutation({
    mutationFn: (name: string) => request<undefined>(path(name), { method: "DELETE" }),
    onSuccess: reload,
  });
}

function useReload() {
  const client = useQueryClient();
  return async () => {
    await client.invalidateQueries({ queryKey: keys.providers });
    await client.invalidateQueries({ queryKey: keys.models });
    await client.invalidateQueries({ queryKey: keys.settings });
  };
}
