import "@/features/deleted/words";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { DeletedPage } from "@/features/deleted/deleted-page";
import { useToasts } from "@/shared/ui/toasts";

const deleted = (id: string) => ({ id, title: `Talk ${id}`, deleted_at: Date.now() - 86_400_000 });

/** A server that has deleted `ids`; each page has two. Erasing fails as often as `faults` says. */
function serve(ids: string[], faults = 0): { left: string[] } {
  const server = { left: ids };
  let refusals = faults;
  vi.stubGlobal("fetch", (_address: string, { method = "GET", body }: RequestInit) => {
    if (method === "GET") {
      const items = server.left.slice(0, 2).map(deleted);
      return Promise.resolve(Response.json({ items, next_cursor: server.left.length > 2 ? "more" : null }));
    }
    if (refusals-- > 0) return Promise.resolve(Response.json({ detail: "The disk is full." }, { status: 507 }));
    const [{ action, ids: chosen }] = (JSON.parse(body as string) as { changes: [{ action: string; ids: string[] }] }).changes;
    expect(action).toBe("erase");
    server.left = server.left.filter((id) => !chosen.includes(id));
    return Promise.resolve(Response.json({ ids: chosen, undo: { changes: [] } }));
  });
  return server;
}

function show(): void {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}><DeletedPage sidebarButton={null} /></QueryClientProvider>);
}

describe("what was deleted", () => {
  it("is erased one by one, after a question, without a way back", async () => {
    const server = serve(["a", "b"]);
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Erase for good: Talk a" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Erase" }));
    await waitFor(() => expect(screen.queryByText("Talk a")).toBeNull());
    expect(server.left).toEqual(["b"]);
    expect(useToasts.getState().toasts.at(-1)).toMatchObject({ text: "1 conversation erased." });
    expect(useToasts.getState().toasts.at(-1)?.action).toBeUndefined();
    expect(screen.getByRole("region", { name: "Deleted conversations" })).toHaveFocus();
  });

  it("is erased as a whole, also what is on later pages", async () => {
    const server = serve(["a", "b", "c", "d", "e"]);
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Erase all" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Erase all" }));
    expect(await screen.findByText("Nothing was deleted in the last 30 days.")).toBeVisible();
    expect(server.left).toEqual([]);
    expect(useToasts.getState().toasts.at(-1)).toMatchObject({ text: "5 conversations erased." });
  });

  it("stays when it could not be erased, and the dialog says why", async () => {
    const server = serve(["a"], 1);
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Erase for good: Talk a" }));
    const dialog = screen.getByRole("dialog");
    await userEvent.click(within(dialog).getByRole("button", { name: "Erase" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("The disk is full.");
    expect(server.left).toEqual(["a"]);
    await userEvent.click(within(dialog).getByRole("button", { name: "Erase" }));
    await waitFor(() => expect(server.left).toEqual([]));
  });
});
