import "@/features/memory/words";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { useForgotten } from "@/features/memory/forgotten";
import { Memories } from "@/features/memory/memories";
import { Notes } from "@/features/memory/notes";
import { RecallTrial } from "@/features/memory/recall-trial";
import { readWanted } from "@/features/memory/wanted";
import type { Wanted } from "@/features/memory/wanted";
import { useToasts } from "@/shared/ui/toasts";
import type { Memory } from "@/shared/wire/memories";

type Answer = { status?: number; body?: unknown };

const MEMORY: Memory = {
  id: "m1", kind: "preference", text: "Drinks her tea without milk.", confidence: 0.9, origin: "derived",
  said_at: Date.UTC(2026, 4, 3), valid_from: Date.UTC(2026, 4, 3), valid_to: null, pinned: false, tainted: false,
  state: "current", superseded_by: null, supersedes: ["m0"],
  sources: [{ message: "q7", conversation: "c2", title: "Breakfast", role: "user", quote: "no milk in my tea, please", version: 1, current_version: 2, is_gone: false }],
  used: { count: 3, turn: "t9", message: "a9", conversation: "c5", at: Date.UTC(2026, 10, 12) },
  version: 4, created_at: 0, updated_at: 0,
};

let answers: Record<string, Answer>;
let calls: { key: string; body: unknown; search: URLSearchParams }[];

/** Answers by method and path; what was asked stands in `calls`. */
function serve(given: Record<string, Answer>): void {
  answers = { "GET /api/conversations": { body: { items: [], next_cursor: null } }, ...given };
  calls = [];
  vi.stubGlobal("fetch", (address: string, { method = "GET", body }: RequestInit) => {
    const { pathname, searchParams } = new URL(address, "http://here");
    const key = `${method} ${pathname}`;
    calls.push({ key, body: typeof body === "string" ? JSON.parse(body) : body, search: searchParams });
    const answer = answers[key];
    if (!answer) return Promise.reject(new Error(`nobody answers ${key}`));
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 }));
  });
}

const bodyOf = (key: string) => calls.find((call) => call.key === key)?.body;

function show(element: React.ReactNode): void {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}>{element}</QueryClientProvider>);
}

const list = (...memories: Memory[]) => ({ "GET /api/memories": { body: { memories, next: null } } });
const showList = (query = "", onChange: (change: Partial<Wanted>) => void = () => undefined) =>
  show(<Memories wanted={readWanted(query)} onChange={onChange} />);

beforeEach(() => useForgotten.setState({ forgotten: [] }));

describe("the list of memories", () => {
  it("says of each what it is, and links to its message and its last use", async () => {
    serve(list(MEMORY));
    showList();
    expect(await screen.findByText("Drinks her tea without milk.")).toBeVisible();
    expect(screen.getByRole("link", { name: /Breakfast/ })).toHaveAttribute("href", "/c/c2#m-q7");
    expect(screen.getByRole("link", { name: /used/ })).toHaveAttribute("href", "/c/c5#m-a9");
  });

  it("asks for what is filtered", async () => {
    serve(list());
    showList("q=tea&kind=plan&pinned=1&state=stale");
    expect(await screen.findByText(/Nothing that is remembered matches/)).toBeVisible();
    const asked = Object.fromEntries(calls.find(({ key }) => key === "GET /api/memories")?.search ?? []);
    expect(asked).toMatchObject({ q: "tea", kind: "plan", pinned: "true", state: "stale" });
  });

  it("teaches when nothing is remembered yet", async () => {
    serve(list());
    showList();
    expect(await screen.findByRole("heading", { name: "Nothing is remembered yet" })).toBeVisible();
  });

  it("edits the version that was looked at, and says so when another one is there by now", async () => {
    serve({ ...list(MEMORY), "PATCH /api/memories/m1": { status: 409, body: { code: "stale_version", detail: "It was changed elsewhere." } } });
    showList();
    await userEvent.click(await screen.findByRole("button", { name: /^Edit:/ }));
    const field = screen.getByRole("textbox", { name: "What is to be remembered" });
    await userEvent.clear(field);
    await userEvent.type(field, "Takes milk again.{Control>}{Enter}{/Control}");
    expect(await screen.findByRole("alert")).toHaveTextContent("It was changed elsewhere.");
    expect(bodyOf("PATCH /api/memories/m1")).toMatchObject({ version: 4, text: "Takes milk again.", valid_from: MEMORY.valid_from });
    expect(field).toHaveValue("Takes milk again.");
    await userEvent.click(screen.getByRole("button", { name: "Discard" }));
  });

  it("keeps what is written, of a new one and of one that is there, until it is saved or discarded", async () => {
    const field = () => screen.queryByLabelText("What is to be remembered");
    const write = (value: string) => fireEvent.change(screen.getByLabelText("What is to be remembered"), { target: { value } });
    serve({ ...list(MEMORY), "POST /api/memories": { status: 201, body: MEMORY } });
    showList();
    fireEvent.click(screen.getByText("Write one"));
    write("Has a dog.");
    cleanup();
    showList();
    expect(field()).toHaveValue("Has a dog.");
    fireEvent.keyDown(screen.getByLabelText("What is to be remembered"), { key: "Escape" });
    expect(field()).toBeNull();
    act(() => useToasts.getState().toasts.at(-1)?.action?.run());
    expect(field()).toHaveValue("Has a dog.");
    fireEvent.click(screen.getByText("Save"));
    await waitFor(() => expect(field()).toBeNull());
    expect(bodyOf("POST /api/memories")).toMatchObject({ text: "Has a dog." });

    fireEvent.click(await screen.findByTitle("Edit"));
    write("Drinks no tea.");
    cleanup();
    showList();
    expect(await screen.findByDisplayValue("Drinks no tea.")).toBeVisible();
    fireEvent.click(screen.getByText("Discard"));
    expect(await screen.findByTitle("Edit")).toBeVisible();
  });

  it("says that a memory was known already, and leads to it", async () => {
    serve({ ...list(MEMORY), "POST /api/memories": { status: 200, body: MEMORY } });
    const onChange = vi.fn();
    showList("kind=event", onChange);
    fireEvent.click(screen.getByText("Write one"));
    fireEvent.change(screen.getByLabelText("What is to be remembered"), { target: { value: MEMORY.text.toUpperCase() } });
    fireEvent.click(screen.getByText("Save"));
    await waitFor(() => expect(useToasts.getState().toasts.at(-1)?.text).toMatch(/^That is remembered already/));
    act(() => useToasts.getState().toasts.at(-1)?.action?.run());
    expect(onChange).toHaveBeenCalledWith(expect.objectContaining({ q: MEMORY.text, kind: "" }));
  });

  it("says that an edited memory is one with another now, and takes that back", async () => {
    const united = { ...MEMORY, version: 5, supersedes: [...MEMORY.supersedes, "m9"] };
    serve({ ...list(MEMORY), "PATCH /api/memories/m1": { body: united }, "POST /api/memories/m1/undo": { body: { ...MEMORY, undone_with: [] } } });
    showList();
    fireEvent.click(await screen.findByTitle("Edit"));
    fireEvent.change(screen.getByLabelText("What is to be remembered"), { target: { value: "Has a cat." } });
    fireEvent.click(screen.getByText("Save"));
    await waitFor(() => expect(useToasts.getState().toasts.at(-1)?.text).toMatch(/^Another memory said the same/));
    act(() => useToasts.getState().toasts.at(-1)?.action?.run());
    await waitFor(() => expect(bodyOf("POST /api/memories/m1/undo")).toEqual({ version: 5 }));
  });

  it("forgets at once, and undoes it by the version that forgetting made", async () => {
    serve({ ...list(MEMORY), "DELETE /api/memories/m1": { body: { undo_until: Date.now() + 600_000 } }, "POST /api/memories/m1/undo": { body: { ...MEMORY, undone_with: [] } } });
    showList();
    await userEvent.click(await screen.findByRole("button", { name: /^Forget:/ }));
    const forgotten = await screen.findByRole("list", { name: "Forgotten just now" });
    await userEvent.click(within(forgotten).getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(forgotten).not.toBeInTheDocument());
    expect(bodyOf("POST /api/memories/m1/undo")).toEqual({ version: 5 });
  });

  it("says that changes were taken back that it did not know of", async () => {
    const version = { version: 2, change: "edited", actor: "user", at: 1, text: "Now.", kind: "fact", valid_from: null, valid_to: null, pinned: false, state: "current" };
    serve({
      ...list({ ...MEMORY, supersedes: [], used: null }),
      "GET /api/memories/m1/history": { body: { versions: [version, { ...version, version: 1, change: "made", text: "Before." }] } },
      "POST /api/memories/m1/undo": { body: { ...MEMORY, undone_with: [{ ...version, version: 3 }] } },
    });
    showList();
    await userEvent.click(await screen.findByRole("button", { name: /^Details of:/ }));
    await userEvent.click(await screen.findByRole("button", { name: /^Undo: Edited/ }));
    await waitFor(() => expect(useToasts.getState().toasts.at(-1)?.text).toBe("The change after it was taken back, too."));
  });

  it("unfolds where it comes from, what it replaced, why it was recalled and what became of it", async () => {
    const version = { version: 2, change: "edited", actor: "user", at: 1, text: "Now.", kind: "fact", valid_from: null, valid_to: null, pinned: false, state: "current" };
    serve({
      ...list(MEMORY),
      "GET /api/memories/m0": { body: { ...MEMORY, id: "m0", text: "Drinks her tea with milk." } },
      "GET /api/memories/m1/uses": { body: { uses: [{ turn: "t9", message: "a9", conversation: "c5", title: "Visitors", at: 1, signals: { meaning: 3, words: 1 } }], next: null } },
      "GET /api/memories/m1/history": { body: { versions: [version, { ...version, version: 1, change: "made", actor: "model", text: "Before." }] } },
      "POST /api/memories/m1/undo": { body: { ...MEMORY, undone_with: [] } },
    });
    showList();
    await userEvent.click(await screen.findByRole("button", { name: /^Details of:/ }));
    expect(screen.getByText("no milk in my tea, please")).toBeVisible();
    expect(screen.getByText("The message was edited since.")).toBeVisible();
    expect(await screen.findByText("Drinks her tea with milk.")).toBeVisible();
    const why = await screen.findByRole("list", { name: "Why it was recalled" });
    expect(why).toHaveTextContent(/Same meaning.*75%.*Same words.*25%/);
    await userEvent.click(await screen.findByRole("button", { name: /^Undo: Edited/ }));
    expect(bodyOf("POST /api/memories/m1/undo")).toEqual({ version: 2 });
  });
});

describe("what the assistant knows", () => {
  it("is saved over the version that was read", async () => {
    const notes = { text: "Lives in Lisbon.", version: 7, updated_at: 1, is_stale: false };
    serve({ "GET /api/memories/notes": { body: notes }, "PUT /api/memories/notes": { body: { ...notes, version: 8 } } });
    show(<Notes />);
    const field = await screen.findByRole("textbox", { name: "The page" });
    expect(field).toHaveValue("Lives in Lisbon.");
    await userEvent.type(field, "{End}\nHas a dog.");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(bodyOf("PUT /api/memories/notes")).toEqual({ text: "Lives in Lisbon.\nHas a dog.", version: 7 }));
  });
});

describe("the trial of a recall", () => {
  it("shows what would be recalled, with why and the way to it", async () => {
    const hit = { kind: "memory", id: "m1", messages: ["q7"], text: MEMORY.text, at: 1, role: "user", speaker: "", conversation: "c2", title: "Breakfast", score: 1, signals: { words: 1 }, tainted: false };
    serve({ "GET /api/memories/search": { body: { hits: [hit] } } });
    show(<RecallTrial />);
    await userEvent.type(screen.getByRole("textbox", { name: "Your question" }), "tea?{Enter}");
    expect(await screen.findByRole("link", { name: /Breakfast/ })).toHaveAttribute("href", "/c/c2#m-q7");
    expect(screen.getByText("Same words")).toBeVisible();
  });
});
