import "@/shared/data/organizing-words";

import type { QueryClient } from "@tanstack/react-query";

import { reloadLists } from "@/shared/data/organizing";
import { request } from "@/shared/http/request";
import { i18n } from "@/shared/i18n/i18n";
import { showToast } from "@/shared/ui/toasts";
import type { Folder } from "@/shared/wire/resources";

const path = (id: string) => `/api/folders/${encodeURIComponent(id)}`;

/** Deletes it, and offers to undo it: it comes back with what was in it. True when it is gone. */
export async function deleteFolder(client: QueryClient, { id, name }: Pick<Folder, "id" | "name">): Promise<boolean> {
  const undo = () => attempt(client, () => request<Folder>(`${path(id)}/restore`, { method: "POST" }));
  const isGone = await attempt(client, () => request<undefined>(path(id), { method: "DELETE" }));
  if (isGone) {
    const text = i18n.t("organizing.folder_deleted", { name });
    showToast(text, { label: i18n.t("conversation.undo"), run: () => void undo() });
  }
  return isGone;
}

async function attempt(client: QueryClient, change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    showToast((error as Error).message);
    return false;
  } finally {
    reloadLists(client);
  }
}
