import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { SnippetSettings } from "@/features/snippets/snippet-settings";
import "@/shared/i18n/i18n";
import { useToasts } from "@/shared/ui/toasts";

const STORED = { id: "s1", name: "letter", text: "Dear Ann," };

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ items: [STORED], next_cursor: null })));
});

function show(): void {
  cleanup();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SnippetSettings />
    </QueryClientProvider>,
  );
}

it("keeps what is written of a new snippet until it is discarded, and then has a way back", () => {
  show();
  fireEvent.click(screen.getByText("New snippet"));
  fireEvent.change(screen.getByLabelText("Text"), { target: { value: "A summary, please." } });
  show();
  expect(screen.getByLabelText("Text")).toHaveValue("A summary, please.");
  fireEvent.click(screen.getByText("Discard"));
  expect(screen.queryByLabelText("Text")).toBeNull();
  act(() => useToasts.getState().toasts.at(-1)?.action?.run());
  expect(screen.getByLabelText("Text")).toHaveValue("A summary, please.");
  fireEvent.click(screen.getByText("Discard"));
});

it("keeps what is changed of one that is there", async () => {
  show();
  fireEvent.click(await screen.findByLabelText("Edit /letter"));
  fireEvent.change(screen.getByLabelText("Text"), { target: { value: "Dear Ann, and Bob," } });
  show();
  expect(await screen.findByLabelText("Text")).toHaveValue("Dear Ann, and Bob,");
});
