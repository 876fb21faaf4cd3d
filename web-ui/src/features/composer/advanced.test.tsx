import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Advanced } from "@/features/composer/advanced";
import "@/shared/i18n/i18n";
import type { ChatOptions } from "@/shared/data/chat-options";

const OPTIONS: ChatOptions = { model: "", temperature: null, assistant: "", instructions: "", memory: "" };
const change = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("ResizeObserver", class { observe() {} disconnect() {} });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  change.mockClear();
});

function write(text: string) {
  const shown = render(<Advanced options={OPTIONS} onChange={change} onCompare={() => undefined} />);
  fireEvent.click(screen.getByLabelText(/^Advanced/));
  fireEvent.change(screen.getByLabelText("System prompt"), { target: { value: text } });
  expect(change).not.toHaveBeenCalled();
  return shown;
}

it("saves the system prompt a moment after the last key, once", () => {
  write("Answer in verse.");
  act(() => vi.advanceTimersByTime(1000));
  fireEvent.blur(screen.getByLabelText("System prompt"));
  expect(change.mock.calls).toEqual([[{ instructions: "Answer in verse." }]]);
});

it("saves it when its panel is closed, and when the page is left", () => {
  write("Answer in verse.").unmount();
  expect(change.mock.calls).toEqual([[{ instructions: "Answer in verse." }]]);
  change.mockClear();
  write("In prose.");
  dispatchEvent(new Event("pagehide"));
  expect(change.mock.calls).toEqual([[{ instructions: "In prose." }]]);
});
