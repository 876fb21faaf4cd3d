/** Loaded when something is put in order for the first time. */
import type { QueryClient } from "@tanstack/react-query";

import "@/shared/data/organizing-words";
import { reloadLists } from "@/shared/data/organizing";
import { request } from "@/shared/http/request";
import { i18n } from "@/shared/i18n/i18n";
import { showToast } from "@/shared/ui/toasts";
import type { Notice } from "@/shared/ui/toasts";
import type { BulkAction, BulkChange, BulkResult } from "@/shared/wire/resources";

export interface Organized {
  changed: string[];
  notice: Notice | null;
}

/** Of one request; more are sent one after the other. */
const AT_ONCE = 1000;

/** Changes conversations: the ids of those that were really changed, and what tells it with the way back. */
export async function organize(client: QueryClient, action: BulkAction, ids: string[], folder: string | null): Promise<Organized> {
  const changes = chunks(ids).map((some) => ({ action, ids: some, ...(action === "move" ? { folder } : {}) }));
  try {
    const { changed, back } = await send(changes);
    if (changed.length === 0) return { changed, notice: null };
    const text = i18n.t(`organizing.done.${action}`, { count: changed.length });
    if (back.length === 0) return { changed, notice: { text } };
    return { changed, notice: { text, action: { label: i18n.t("conversation.undo"), run: () => void undo(client, back) } } };
  } finally {
    reloadLists(client);
  }
}

async function undo(client: QueryClient, changes: BulkChange[]): Promise<void> {
  try {
    await send(changes);
  } catch (error) {
    showToast((error as Error).message);
  } finally {
    reloadLists(client);
  }
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
