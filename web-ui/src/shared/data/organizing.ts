import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import { i18n } from "@/shared/i18n/i18n";
import { showToast, showWhenDone } from "@/shared/ui/toasts";
import type { Notice } from "@/shared/ui/toasts";
import type { BulkAction, Folder, Page } from "@/shared/wire/resources";

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
    onSettled: () => reloadLists(client),
  });
}

type Organize = (action: BulkAction, ids: string[], folder?: string | null, onDone?: (ids: string[]) => void) => void;

/** Changes conversations at once and offers to undo it; `onDone` is told which were really changed. */
export function useOrganize(): Organize {
  const client = useQueryClient();
  return useCallback(
    (action, ids, folder = null, onDone) => {
      const done = import("@/shared/data/organize").then(
        ({ organize }) => organize(client, action, ids, folder),
        () => ({ changed: [], notice: notLoaded() }),
      );
      void showWhenDone(done.then(({ notice }) => notice));
      void done.then(
        ({ changed }) => onDone?.(changed),
        () => onDone?.([]),
      );
    },
    [client],
  );
}

const notLoaded = (): Notice => ({
  text: i18n.t("ui.not_loaded"),
  action: { label: i18n.t("ui.load_again"), run: () => location.reload(), isNoUndo: true },
});

/** Every list that a change may have touched. */
export function reloadLists(client: QueryClient): void {
  void client.invalidateQueries({ queryKey: keys.allConversations });
  void client.invalidateQueries({ queryKey: keys.folders });
}
