import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import "@/shared/i18n/i18n";
import { ToastRegion } from "@/shared/ui/toast-region";
import { SHOWN_MS, WITH_ACTION_MS, hideToast, showToast, showWhenDone, undoLatest, useToasts } from "@/shared/ui/toasts";
import type { Notice } from "@/shared/ui/toasts";

beforeEach(() => {
  vi.useFakeTimers();
  render(<ToastRegion />);
});

afterEach(() => {
  useToasts.getState().toasts.forEach(({ id }) => hideToast(id));
  vi.useRealTimers();
});

const show = (...toast: Parameters<typeof showToast>) => act(() => showToast(...toast));
const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));
const notice = (text: string, run: () => void): Notice => ({ text, action: { label: "Undo", run } });

/** A change whose end is in the test's hand; both return when what it says is shown. */
function begin() {
  let [resolve, reject] = [(_: Notice) => {}, (_: Error) => {}];
  const change = new Promise<Notice>((...ends) => ([resolve, reject] = ends));
  const end = showWhenDone(change);
  return {
    succeed: (done: Notice) => (resolve(done), end),
    fail: (error: Error) => (reject(error), end),
  };
}

const row = (text: string) => screen.getByText(text).parentElement as HTMLElement;

test("a notice goes by itself, one with a way back later", () => {
  show("Saved.");
  show("Deleted.", { label: "Undo", run: vi.fn() });
  pass(SHOWN_MS + 1);
  expect(screen.queryByText("Saved.")).toBeNull();
  expect(screen.getByText("Deleted.")).toBeTruthy();
  pass(WITH_ACTION_MS);
  expect(screen.queryByText("Deleted.")).toBeNull();
});

test("while one is pointed at or has the focus, none goes", () => {
  show("Saved.");
  show("Deleted.", { label: "Undo", run: vi.fn() });
  fireEvent.pointerEnter(row("Deleted."));
  pass(WITH_ACTION_MS * 3);
  expect(screen.getByText("Saved.")).toBeTruthy();
  fireEvent.pointerLeave(row("Deleted."));
  pass(SHOWN_MS + 1);
  expect(screen.queryByText("Saved.")).toBeNull();

  act(() => screen.getByText("Undo").focus());
  show("And this.");
  pass(WITH_ACTION_MS * 3);
  expect(screen.getByText("And this.")).toBeTruthy();
  fireEvent.click(screen.getByText("Undo"));
  pass(SHOWN_MS + 1);
  expect(screen.queryByText("And this.")).toBeNull();
});

test("the focus does not go with the notice that had it", () => {
  const before = document.body.appendChild(document.createElement("button"));
  before.focus();
  show("Deleted.", { label: "Undo", run: vi.fn() });
  act(() => screen.getByLabelText("Dismiss").focus());
  fireEvent.click(screen.getByLabelText("Dismiss"));
  expect(document.activeElement).toBe(before);
  before.remove();
});

test("what a notice brings back can take the focus", () => {
  const before = document.body.appendChild(document.createElement("button"));
  before.focus();
  const isFree = vi.fn(() => document.activeElement === document.body);
  show("Deleted.", { label: "Undo", run: isFree });
  act(() => screen.getByText("Undo").focus());
  fireEvent.click(screen.getByText("Undo"));
  expect(isFree).toHaveReturnedWith(true);
  expect(document.activeElement).toBe(document.body);
  before.remove();
});

test("the latest way back is taken once, and what is none is left alone", () => {
  const [first, second, reload] = [vi.fn(), vi.fn(), vi.fn()];
  show("One deleted.", { label: "Undo", run: first });
  show("Another deleted.", { label: "Undo", run: second });
  show("Could not be loaded.", { label: "Load again", run: reload, isNoUndo: true });
  act(undoLatest);
  act(undoLatest);
  act(undoLatest);
  expect([first, second, reload].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 0]);
  expect(screen.getByText("Could not be loaded.")).toBeTruthy();
});

test("a change that is on its way is the latest, whatever was done before it", async () => {
  const [before, later, earlier] = [vi.fn(), vi.fn(), vi.fn()];
  show("Done before.", { label: "Undo", run: before });
  const [first, second] = [begin(), begin()];
  act(undoLatest);
  act(undoLatest);
  await act(() => second.succeed(notice("Deleted later.", later)));
  expect(later).toHaveBeenCalledOnce();
  expect(earlier).not.toHaveBeenCalled();
  await act(() => first.succeed(notice("Deleted earlier.", earlier)));
  expect(earlier).toHaveBeenCalledOnce();
  expect(before).not.toHaveBeenCalled();
  expect(screen.queryByText(/^Deleted/)).toBeNull();
  act(undoLatest);
  expect(before).toHaveBeenCalledOnce();
});

test("a change that failed says why, and nothing else is undone for it", async () => {
  const before = vi.fn();
  show("Done before.", { label: "Undo", run: before });
  const change = begin();
  act(undoLatest);
  await act(() => change.fail(new Error("The server cannot be reached.")));
  expect(screen.getByText("The server cannot be reached.")).toBeTruthy();
  expect(before).not.toHaveBeenCalled();
});

test("what was done first and told last is not what is undone first", async () => {
  const [first, second] = [vi.fn(), vi.fn()];
  const change = begin();
  show("Second.", { label: "Undo", run: second });
  await act(() => change.succeed(notice("First.", first)));
  act(undoLatest);
  expect([first, second].map(({ mock }) => mock.calls.length)).toEqual([0, 1]);
});
