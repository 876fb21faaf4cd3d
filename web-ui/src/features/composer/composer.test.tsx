import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Composer } from "@/features/composer/composer";
import { readDraft, writeDraft } from "@/features/composer/draft";
import "@/shared/i18n/i18n";

const send = vi.fn<(text: string) => void>();
const stop = vi.fn();

const SNIPPETS = [
  { id: "1", name: "letter", text: "Dear Ann," },
  { id: "2", name: "sum", text: "Sum it up." },
  { id: "3", name: "summary", text: "A summary, please." },
];

beforeEach(() => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(Response.json({ items: SNIPPETS, next_cursor: null }))));
  vi.stubGlobal("matchMedia", () => ({
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

function show(props: Partial<Parameters<typeof Composer>[0]> = {}) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrap = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const composer = (own: typeof props) => (
    <Composer conversation="c1" onSend={send} onStop={null} isStopping={false} controls={null} {...own} />
  );
  return render(composer(props), { wrapper: wrap });
}

const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });

describe("the composer", () => {
  it("sends with Enter and is empty afterwards", async () => {
    show();
    await userEvent.type(field(), "  Good morning {Enter}");
    expect(send).toHaveBeenCalledExactlyOnceWith("Good morning");
    expect(field()).toHaveValue("");
  });

  it("begins a new line with Shift and Enter", async () => {
    show();
    await userEvent.type(field(), "one{Shift>}{Enter}{/Shift}two");
    expect(send).not.toHaveBeenCalled();
    expect(field()).toHaveValue("one\ntwo");
  });

  it("leaves Enter to an input method that is composing", async () => {
    show();
    await userEvent.type(field(), "にほん");
    fireEvent.keyDown(field(), { key: "Enter", isComposing: true });
    fireEvent.keyDown(field(), { key: "Enter", keyCode: 229 });
    expect(send).not.toHaveBeenCalled();
  });

  it("sends nothing while there is only blank", async () => {
    show();
    expect(screen.getByRole("button", { name: "Send" })).toBeDisabled();
    await userEvent.type(field(), "   {Enter}");
    expect(send).not.toHaveBeenCalled();
  });

  it("keeps what was typed just before the page is left, but not over a newer draft", () => {
    show();
    fireEvent.change(field(), { target: { value: "Just now" } });
    dispatchEvent(new Event("pagehide"));
    expect(readDraft("c1")).toBe("Just now");
    writeDraft("c1", "Newer, and from elsewhere");
    dispatchEvent(new Event("pagehide"));
    expect(readDraft("c1")).toBe("Newer, and from elsewhere");
  });

  it("leaves a draft alone that another window has written since", () => {
    const { unmount } = show();
    writeDraft("c1", "From the other window");
    unmount();
    expect(readDraft("c1")).toBe("From the other window");
  });

  it("keeps a draft for each conversation", async () => {
    const { unmount } = show();
    await userEvent.type(field(), "half a thought");
    unmount();
    show({ conversation: "c2" });
    expect(field()).toHaveValue("");
    show({ conversation: "c1" });
    expect(screen.getAllByRole<HTMLTextAreaElement>("textbox").at(-1)).toHaveValue("half a thought");
  });

  it("offers to stop while an answer is written, and to send as soon as there is text", async () => {
    show({ onStop: stop });
    expect(screen.queryByRole("button", { name: "Send" })).toBeNull();
    await userEvent.type(field(), "next");
    expect(screen.getByRole("button", { name: "Send" })).toBeEnabled();
    await userEvent.click(screen.getByRole("button", { name: "Stop" }));
    expect(stop).toHaveBeenCalledOnce();
  });
});

describe("a slash in the composer", () => {
  const options = () => screen.queryAllByRole("option").map((option) => option.textContent);

  it("asks nothing of the server before it is typed", async () => {
    show();
    await userEvent.type(field(), "no slash");
    expect(fetch).not.toHaveBeenCalled();
  });

  it("lists what fits, and Enter puts it in its place", async () => {
    show();
    await userEvent.type(field(), "Well: /su");
    await screen.findByRole("listbox", { name: "Snippets" });
    expect(options()).toEqual(["/sumSum it up.", "/summaryA summary, please."]);
    await userEvent.keyboard("{ArrowDown}");
    expect(field()).toHaveAttribute("aria-activedescendant", screen.getAllByRole("option")[1]?.id);
    await userEvent.keyboard("{Enter}");
    expect(field()).toHaveValue("Well: A summary, please.");
    expect(options()).toEqual([]);
    expect(send).not.toHaveBeenCalled();
  });

  it("is left with Escape, and then only a text", async () => {
    show();
    await userEvent.type(field(), "/su");
    await screen.findByRole("listbox");
    await userEvent.keyboard("{Escape}");
    expect(options()).toEqual([]);
    await userEvent.keyboard("m{Enter}");
    expect(send).toHaveBeenCalledExactlyOnceWith("/sum");
  });
});
