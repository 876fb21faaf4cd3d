import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import "@/shared/i18n/i18n";
import { toMarkdown } from "@/features/ideas/export-ideas";
import type { Idea } from "@/features/ideas/ideas-data";
import { IdeasPage } from "@/features/ideas/ideas-page";
import { IdeasPanel } from "@/features/ideas/ideas-panel";

const DAY = new Date(2026, 10, 21, 9, 0).getTime();

function makeIdea(id: string, text: string, conversation = "c1"): Idea {
  return { id, text, conversation, title: `Title of ${conversation}`, message: `m-of-${id}`, created_at: DAY };
}

let stored: Idea[] = [];
const asked: string[] = [];

function answer(address: string, init?: RequestInit): Response {
  const url = new URL(address, "http://localhost");
  asked.push(`${init?.method ?? "GET"} ${url.pathname}${url.search}`);
  if (init?.method === "DELETE") {
    stored = stored.filter((idea) => url.pathname !== `/api/ideas/${idea.id}`);
    return new Response(null, { status: 204 });
  }
  return Response.json(page(url.searchParams));
}

/** Two ideas to a page, to see that all pages are read. */
function page(query: URLSearchParams) {
  const wanted = stored.filter((idea) => !query.has("conversation") || idea.conversation === query.get("conversation"));
  const from = Number(query.get("cursor") ?? 0);
  return { items: wanted.slice(from, from + 2), next_cursor: from + 2 < wanted.length ? String(from + 2) : null };
}

function show(content: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrap = (inner: ReactNode) => <QueryClientProvider client={client}>{inner}</QueryClientProvider>;
  const { rerender, container } = render(wrap(content));
  return { container, rerender: (next: ReactNode) => rerender(wrap(next)) };
}

beforeEach(() => {
  stored = [];
  asked.length = 0;
  vi.stubGlobal("fetch", vi.fn((address: string, init?: RequestInit) => Promise.resolve(answer(address, init))));
});

afterEach(() => vi.unstubAllGlobals());

function cards(): string[] {
  return screen.queryAllByRole("listitem").map((card) => card.querySelector(".idea-text")?.textContent ?? "");
}

describe("the panel of ideas", () => {
  it("teaches how ideas come into being when there are none", async () => {
    show(<IdeasPanel conversation="c1" live={[]} />);
    expect(await screen.findByText(/Choose the assistant Ideas/)).toBeInTheDocument();
  });

  it("asks nothing of the server for a conversation that has not begun", () => {
    show(<IdeasPanel conversation={null} live={[]} />);
    expect(screen.getByText("No ideas yet")).toBeInTheDocument();
    expect(asked).toEqual([]);
  });

  it("fills while the answer streams, and never blinks when the ideas are stored", async () => {
    const { rerender } = show(<IdeasPanel conversation="c1" live={["Whis"]} />);
    expect(cards()).toEqual(["Whis"]);
    rerender(<IdeasPanel conversation="c1" live={["Whiskers", "Fluf"]} />);
    expect(cards()).toEqual(["Whiskers", "Fluf"]);
    rerender(<IdeasPanel conversation="c1" live={["Whiskers", "Fluffy"]} />);
    stored = [makeIdea("1", "Whiskers"), makeIdea("2", "Fluffy")];
    rerender(<IdeasPanel conversation="c1" live={[]} />);
    expect(cards()).toEqual(["Whiskers", "Fluffy"]);
    expect(await screen.findAllByRole("link")).toHaveLength(2);
    expect(cards()).toEqual(["Whiskers", "Fluffy"]);
  });

  it("leads to the message of an idea", async () => {
    stored = [makeIdea("1", "Whiskers")];
    show(<IdeasPanel conversation="c1" live={[]} />);
    expect(await screen.findByRole("link", { name: "To the message" })).toHaveAttribute("href", "/c/c1#m-m-of-1");
  });
});

describe("the board of ideas", () => {
  it("shows the ideas of all conversations with their origin", async () => {
    stored = [makeIdea("1", "a"), makeIdea("2", "b", "c2"), { ...makeIdea("3", "c", "gone"), title: "" }];
    show(<IdeasPage />);
    await waitFor(() => expect(cards()).toEqual(["a", "b", "c"]));
    expect(await screen.findByRole("link", { name: "Title of c2" })).toHaveAttribute("href", "/c/c2#m-m-of-2");
    expect(screen.getByRole("link", { name: "A conversation" })).toBeInTheDocument();
    expect(screen.getByText("3 ideas")).toBeInTheDocument();
  });

  it("finds by the words of an idea and of its conversation's title", async () => {
    stored = [makeIdea("1", "red boat"), makeIdea("2", "blue boat", "c2")];
    show(<IdeasPage />);
    await screen.findByRole("link", { name: "Title of c2" });
    const search = screen.getByRole("searchbox");
    fireEvent.change(search, { target: { value: "BOAT red" } });
    await waitFor(() => expect(cards()).toEqual(["red boat"]));
    fireEvent.change(search, { target: { value: "title c2" } });
    await waitFor(() => expect(cards()).toEqual(["blue boat"]));
    fireEvent.change(search, { target: { value: "green" } });
    expect(await screen.findByText("No idea has all of these words.")).toBeInTheDocument();
  });

  it("deletes an idea only after asking", async () => {
    stored = [makeIdea("1", "a"), makeIdea("2", "b")];
    show(<IdeasPage />);
    await waitFor(() => expect(cards()).toEqual(["a", "b"]));
    fireEvent.click(screen.getAllByRole("button", { name: "Delete" })[0] as HTMLElement);
    expect(asked.filter((line) => line.startsWith("DELETE"))).toEqual([]);
    fireEvent.click(screen.getByText("Delete", { selector: "button" }));
    await waitFor(() => expect(cards()).toEqual(["b"]));
    expect(asked).toContain("DELETE /api/ideas/1");
  });

  it("says what the server says when it cannot answer", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ detail: "The database is busy." }, { status: 503 })));
    show(<IdeasPage />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The database is busy.");
  });
});

describe("the export of ideas", () => {
  it("is Markdown with the origin of each", () => {
    const ideas = [makeIdea("1", "a\nmore"), makeIdea("2", "b"), makeIdea("3", "c", "c2")];
    expect(toMarkdown(ideas, (idea) => `Talk ${idea.conversation}`)).toBe(
      "## Talk c1, 2026-11-21\n\n- a\n  more\n- b\n\n## Talk c2, 2026-11-21\n\n- c\n",
    );
  });
});
