import { useEffect } from "react";
import { useLocation, useRoute } from "wouter";

import { setAlias, useAliases } from "@/shared/connection/aliases";

/** The conversation that the address names, by the id the server gave it. */
export function useConversationId(): string | null {
  const [isConversation, params] = useRoute("/c/:id");
  const aliases = useAliases();
  if (!isConversation) return null;
  return aliases[params.id] ?? params.id;
}

/** A made-up id in the address gives way to the server's as soon as that is known. */
export function useSettledAddress(routeId: string | null): void {
  const [, navigate] = useLocation();
  const given = useAliases((aliases) => (routeId === null ? undefined : aliases[routeId]));
  useEffect(() => {
    if (given !== undefined) navigate(`/c/${given}`, { replace: true });
  }, [given, navigate]);
}

/** A page can be opened at a made-up id, too: by a reload right after sending. The server says whom it means. */
export function useServerId(id: string | null, given: string | undefined): void {
  useEffect(() => {
    if (id !== null && given !== undefined && given !== id) setAlias(id, given);
  }, [id, given]);
}
