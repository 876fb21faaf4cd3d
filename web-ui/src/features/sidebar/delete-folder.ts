import "@/shared/data/organizing-words";

import type { QueryClient } from "@tanstack/react-query";

import { reloadLists } from "@/shared/data/organizing";
import { request } from "@/shared/http/request";
import { i18n } from "@/shared/i18n/i18n";
import { showToast, showWhenDone } from "@/shared/ui/toasts";
import type { Folder } from "@/shared/wire/resources";

const path = (id: string) => `/api/folders/${encodeURIComponent(id)}`;

/** Deletes it, and offers to undo it: it comes back with what was in it. True when it is gone. */
export function deleteFolder(client: QueryClient, { id, name }: Pick<Folder, "id" | "name">): Promise<boolean> {
  const reload = () => reloadLists(client);
  const undo = () =>
    void request<Folder>(`${path(id)}/restore`, { method: "POST" })
      .catch((error: Error) => showToast(error.message))
      .finally(reload);
  const text = i18n.t("organizing.folder_deleted", { name });
  const deletion = request<undefined>(path(id), { method: "DELETE" }).finally(reload);
  void showWhenDone(deletion.then(() => ({ text, action: { label: i18n.t("conversation.undo"), run: undo } })));
  return deletion.then(
    () => true,
    () => false,
  );
}
