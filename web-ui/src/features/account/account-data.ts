import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { changeMe } from "@/shared/data/me";
import { request } from "@/shared/http/request";
import type { Page, User } from "@/shared/wire/resources";

export interface Account extends User {
  email: string;
  about: string;
  has_password: boolean;
  via: "session" | "key" | "access";
}

export interface Device {
  id: string;
  device: string;
  address: string;
  via: string;
  created_at: number;
  seen_at: number;
  is_current: boolean;
}

export type KeyScope = "chat" | "read" | "admin" | "scim";

export interface ApiKey {
  id: string;
  name: string;
  scopes: KeyScope[];
  created_at: number;
  used_at: number | null;
  expires_at: number | null;
  hint: string;
}

export interface NewApiKey {
  name: string;
  scopes: KeyScope[];
  expires_at?: number;
}

export interface LinkedAccount {
  provider: string;
  issuer: string;
  subject_hint: string;
  label: string;
  created_at: number;
  seen_at: number;
}

const ME = ["me"] as const;
const DEVICES = ["me", "sessions"] as const;
const KEYS = ["me", "keys"] as const;
const IDENTITIES = ["me", "identities"] as const;

const get =
  <Result>(path: string) =>
  ({ signal }: { signal: AbortSignal }) =>
    request<Result>(path, { signal });

/** After a change the list it belongs to is asked for again. */
function useChange<Wanted, Result>(key: readonly string[], change: (wanted: Wanted) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: key, exact: true }),
  });
}

export function useAccount() {
  return useQuery({ queryKey: ME, queryFn: get<Account>("/api/me") });
}

export function useChangeAccount() {
  return useChange(ME, async (change: { name?: string; email?: string; time_zone?: string; about?: string }) => {
    const { name } = await request<User>("/api/me", { method: "PATCH", body: change });
    changeMe({ name });
  });
}

export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: { current?: string; new: string }) =>
      request<unknown>("/api/me/password", { method: "POST", body: change }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ME }); // the other devices are signed out by it
    },
  });
}

/** `proof`: the password, or the name where there is none. */
export function useDeleteAccount() {
  return useMutation({
    mutationFn: (proof: { password: string } | { name: string }) =>
      request<undefined>("/api/me", { method: "DELETE", body: proof }),
    onSuccess: () => location.assign("/"),
  });
}

export function useDevices() {
  return useQuery({ queryKey: DEVICES, queryFn: get<Page<Device>>("/api/me/sessions") });
}

export function useSignOutDevice() {
  return useChange(DEVICES, (id: string) =>
    request<undefined>(`/api/me/sessions/${encodeURIComponent(id)}`, { method: "DELETE" }),
  );
}

export function useSignOutOthers() {
  return useChange(DEVICES, () => request<unknown>("/api/me/sessions", { method: "DELETE" }));
}

export function useApiKeys() {
  return useQuery({ queryKey: KEYS, queryFn: get<Page<ApiKey>>("/api/me/keys") });
}

export function useMakeKey() {
  return useChange(KEYS, (wanted: NewApiKey) =>
    request<ApiKey & { secret: string }>("/api/me/keys", { method: "POST", body: wanted }),
  );
}

export function useRevokeKey() {
  return useChange(KEYS, (id: string) =>
    request<undefined>(`/api/me/keys/${encodeURIComponent(id)}`, { method: "DELETE" }),
  );
}

export function useLinkedAccounts() {
  return useQuery({ queryKey: IDENTITIES, queryFn: get<Page<LinkedAccount>>("/api/me/identities") });
}

export function useUnlink() {
  return useChange(IDENTITIES, (provider: string) =>
    request<undefined>(`/api/me/identities/${encodeURIComponent(provider)}`, { method: "DELETE" }),
  );
}

export function useSignInProviders() {
  return useQuery({
    queryKey: ["sign-in"],
    queryFn: get<{ providers: { name: string; label: string; kind: string }[] }>("/api/sign-in"),
  });
}
