import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { AssistantSettings } from "@/features/assistants/assistant-settings";
import { searchAssistants } from "@/features/assistants/search-assistants";
import "@/shared/i18n/i18n";
import { useToasts } from "@/shared/ui/toasts";
import type { WholeAssistant } from "@/shared/wire/resources";

function make(id: string, own: Partial<WholeAssistant> = {}): WholeAssistant {
  const draft = { description: "", instructions: "", model: "", temperature: null, tools: [], starters: [] };
  return { id, name: id, kind: "own", is_shared: false, updated_at: 7, format: "plain", ...draft, ...own };
}

let stored: WholeAssistant[] = [];
const asked: { method: string; path: string; body: unknown }[] = [];

function answer(path: string, init?: RequestInit): Response {
  const method = init?.method ?? "GET";
  const body: unknown = init?.body ? JSON.parse(init.body as string) : null;
  if (method !== "GET") asked.push({ method, path, body });
  if (method === "DELETE") return new Response(null, { status: 204 });
  if (method !== "GET") return Response.json(make("new", body as Partial<WholeAssistant>));
  if (path === "/api/assistants") return Response.json({ items: stored, next_cursor: null });
  return Response.json(stored.find(({ id }) => path.endsWith(id)));
}

beforeEach(() => {
  stored = [];
  asked.length = 0;
  history.replaceState(null, "", "/settings/assistants");
  vi.stubGlobal("fetch", vi.fn((path: string, init?: RequestInit) => Promise.resolve(answer(path, init))));
});

afterEach(() => vi.unstubAllGlobals());

function show({ isAdmin = false } = {}) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <AssistantSettings isAdmin={isAdmin} onUse={() => undefined} modelPicker={() => null} />
    </QueryClientProvider>,
  );
}

const button = (name: string) => screen.queryByRole("button", { name });

describe("the assistants in the settings", () => {
  it("can be changed where they are one's own, and copied wherever they are from", async () => {
    stored = [make("mine"), make("theirs", { kind: "shared", is_shared: true }), make("ideas", { kind: "built_in" })];
    show();
    expect(await screen.findByText("mine")).toBeInTheDocument();
    expect(button("Edit mine")).not.toBeNull();
    for (const name of ["theirs", "ideas"]) expect([button(`Edit ${name}`), button(`Delete ${name}`)]).toEqual([null, null]);
    for (const name of ["mine", "theirs", "ideas"]) expect(button(`Make a copy of ${name}`)).not.toBeNull();
    expect(button("Stop sharing theirs")).toBeNull();
  });

  it("are shared, and unshared, by admins only", async () => {
    stored = [make("theirs", { kind: "shared", is_shared: true })];
    show({ isAdmin: true });
    await userEvent.click(await screen.findByRole("button", { name: "Stop sharing theirs" }));
    const path = "/api/admin/assistants/theirs/sharing";
    expect(asked).toEqual([{ method: "PUT", path, body: { is_shared: false } }]);
  });

  it("show their starters while they are written, and are kept without blank ones", async () => {
    show();
    await userEvent.click(await screen.findByRole("button", { name: "New assistant" }));
    expect(screen.queryByRole("checkbox", { name: /Share/ })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText("It needs a name.")).toBeInTheDocument();
    await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "Lisbon");
    await userEvent.click(screen.getByRole("button", { name: "Add a starter" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Starter 1" }), "Three days?");
    await userEvent.click(screen.getByRole("button", { name: "Add a starter" }));
    const preview = screen.getByRole("region", { name: "How a new conversation begins" });
    expect(within(preview).getByText("Lisbon")).toBeInTheDocument();
    expect(within(preview).getByText("Three days?")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ method: "POST", body: { name: "Lisbon", starters: ["Three days?"], format: "plain" } });
    expect(await screen.findByRole("button", { name: "New assistant" })).toBeInTheDocument();
  });

  it("keep what is written until it is saved or discarded, and undo the discarding", async () => {
    const { unmount } = show();
    await userEvent.click(await screen.findByRole("button", { name: "New assistant" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Instructions" }), "Speak like a pilot.");
    unmount(); // another page is opened
    show();
    expect(await screen.findByRole("textbox", { name: "Instructions" })).toHaveValue("Speak like a pilot.");
    await userEvent.click(screen.getByRole("button", { name: "All assistants" }));
    await userEvent.click(await screen.findByRole("button", { name: "New assistant" }));
    expect(screen.getByText(/Not saved yet/)).toBeInTheDocument();

    await userEvent.click(screen.getByRole("button", { name: "Discard" }));
    await userEvent.click(await screen.findByRole("button", { name: "New assistant" }));
    expect(screen.getByRole("textbox", { name: "Instructions" })).toHaveValue("");
    useToasts.getState().toasts.at(-1)?.action?.run();
    expect(await screen.findByDisplayValue("Speak like a pilot.")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Discard" }));
  });

  it("are changed as they were read, so that nobody's change is overwritten", async () => {
    stored = [make("mine", { instructions: "Speak like a pilot." })];
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Edit mine" }));
    expect(await screen.findByRole("textbox", { name: "Instructions" })).toHaveValue("Speak like a pilot.");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(asked[0]).toMatchObject({ method: "PATCH", path: "/api/assistants/mine", body: { read_at: 7 } });
  });

  it("are found by every word, those that begin with the first one at the top", () => {
    const all = [make("1", { name: "The cook" }), make("2", { name: "Cook book", description: "Soups" }), make("3")];
    expect(searchAssistants(all, "cook").map(({ id }) => id)).toEqual(["2", "1"]);
    expect(searchAssistants(all, "COOK soup").map(({ id }) => id)).toEqual(["2"]);
    expect(searchAssistants(all, " ").map(({ id }) => id)).toEqual(["1", "2", "3"]);
  });
});
