import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import { showToast } from "@/shared/ui/toasts";
import type { BulkAction, BulkChange, BulkResult, Folder, Page } from "@/shared/wire/resources";

/** Of one request; more are sent one after the other. */
const AT_ONCE = 1000;

export function useFolders(isWanted = true) {
  return useQuery({
    queryKey: keys.folders,
    enabled: isWanted,
    queryFn: ({ signal }) => request<Page<Folder>>("/api/folders", { signal }),
    select: ({ items }) => items,
  });
}

type FolderChange = { verb: "make"; name: string } | { verb: "rename"; id: string; name: string } | { verb: "delete"; id: string };

/** Made, renamed or deleted; what was in a deleted one stays. */
export function useChangeFolder() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: FolderChange) => {
      if (change.verb === "make") return request<Folder>("/api/folders", { method: "POST", body: { name: change.name } });
      const path = `/api/folders/${encodeURIComponent(change.id)}`;
      if (change.verb === "delete") return request<undefined>(path, { method: "DELETE" });
      return request<Folder>(path, { method: "PATCH", body: { name: change.name } });
    },
    onError: (error) => showToast(error.message),
    onSettled: () => reload(client),
  });
}

/** Changes conversations at once and offers to undo it; `onDone` is told which were really changed. */
export function useOrganize(): (action: BulkAction, ids: string[], folder?: string | null, onDone?: (ids: string[]) => void) => void {
  const { t } = useTranslation();
  const client = useQueryClient();
  return useCallback(
    (action, ids, folder = null, onDone) => {
      const undo = (changes: BulkChange[]) =>
        void send(changes)
          .catch((error: Error) => showToast(error.message))
          .finally(() => reload(client));
      const changes = chunks(ids).map((some) => ({ action, ids: some, ...(action === "move" ? { folder } : {}) }));
      void send(changes)
        .then(({ changed, back }) => {
          onDone?.(changed);
          if (changed.length === 0) return;
          showToast(t(`sidebar.done.${action}`, { count: changed.length }), { label: t("conversation.undo"), run: () => undo(back) });
        })
        .catch((error: Error) => showToast(error.message))
        .finally(() => reload(client));
    },
    [client, t],
  );
}

async function send(changes: BulkChange[]): Promise<{ changed: string[]; back: BulkChange[] }> {
  const changed: string[] = [];
  let back: BulkChange[] = [];
  for (const some of gather(changes)) {
    const result = await request<BulkResult>("/api/conversations/bulk", { method: "POST", body: { changes: some } });
    changed.push(...result.ids);
    back = [...result.undo.changes, ...back];
  }
  return { changed, back };
}

/** As few requests as their bound allows. */
function gather(changes: BulkChange[]): BulkChange[][] {
  const requests: BulkChange[][] = [];
  let room = 0;
  for (const change of changes) {
    if (change.ids.length > room) {
      requests.push([]);
      room = AT_ONCE;
    }
    requests.at(-1)?.push(change);
    room -= change.ids.length;
  }
  return requests;
}

function chunks(ids: string[]): string[][] {
  const found: string[][] = [];
  for (let start = 0; start < ids.length; start += AT_ONCE) found.push(ids.slice(start, start + AT_ONCE));
  return found;
}

function reload(client: ReturnType<typeof useQueryClient>): void {
  void client.invalidateQueries({ queryKey: keys.allConversations });
  void client.invalidateQueries({ queryKey: keys.folders });
}
