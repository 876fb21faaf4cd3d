import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { useShortcuts } from "@/shared/keyboard/shortcuts";
import type { Shortcut } from "@/shared/keyboard/shortcuts";

const undo = vi.fn();
const shortcut: Shortcut = { id: "undo", keys: "mod+z", isOutsideText: true, run: undo };

function Fields({ shortcuts = [shortcut] }: { shortcuts?: Shortcut[] }) {
  useShortcuts(shortcuts);
  return (
    <>
      <input aria-label="First" />
      <textarea aria-label="Second" defaultValue="a draft" />
    </>
  );
}

/** Whether the page took the keys, and not the field. */
function undoesIn(field: HTMLElement): boolean {
  undo.mockClear();
  const isLeft = fireEvent.keyDown(field, { key: "z", ctrlKey: true });
  expect(isLeft).toBe(undo.mock.calls.length === 0);
  return !isLeft;
}

test("leaves undoing to a field that has text, or had since the focus came", () => {
  const { rerender } = render(<Fields />);
  const [first, second] = [screen.getByLabelText("First"), screen.getByLabelText("Second")];
  expect(undoesIn(document.body)).toBe(true);

  first.focus();
  expect(undoesIn(first)).toBe(true);
  fireEvent.input(first, { target: { value: "Lis" } });
  expect(undoesIn(first)).toBe(false);
  fireEvent.input(first, { target: { value: "" } });
  rerender(<Fields shortcuts={[shortcut]} />);
  expect(undoesIn(first)).toBe(false);

  second.focus();
  expect(undoesIn(second)).toBe(false);
  first.focus();
  expect(undoesIn(first)).toBe(true);
});
