import { request } from "@/shared/http/request";
import type { BulkResult, Conversation, Page } from "@/shared/wire/resources";

/** Of one request. */
const AT_ONCE = 200;

/** Erases page after page, until there is nothing that was deleted; how many there were. */
export async function eraseAll(): Promise<number> {
  let count = 0;
  for (;;) {
    const { items } = await request<Page<Conversation>>("/api/conversations", { query: { deleted: "true", limit: AT_ONCE } });
    if (items.length === 0) return count;
    const changes = [{ action: "erase", ids: items.map(({ id }) => id) }];
    const { ids } = await request<BulkResult>("/api/conversations/bulk", { method: "POST", body: { changes } });
    if (ids.length === 0) return count;
    count += ids.length;
  }
}
