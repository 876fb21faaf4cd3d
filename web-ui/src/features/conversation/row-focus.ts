/** Where the focus goes when the message that had it is gone. Rows say by `data-row` which message they are. */
import { findMessageField, isFocusLost } from "@/shared/keyboard/message-field";

/** The row before a message, or with `orLater` the one after it where there is none before; null without. */
export function findNeighbour(id: string, orLater: boolean): string | null {
  const rows = findRows();
  const place = rows.findIndex((row) => row.dataset.row === id);
  if (place < 0) return null;
  return (rows[place - 1] ?? (orLater ? rows[place + 1] : undefined))?.dataset.row ?? null;
}

const MOST_FRAMES = 60;

function findRows(): HTMLElement[] {
  return Array.from(document.querySelectorAll<HTMLElement>("[data-row]"));
}

function findRow(id: string): HTMLElement | null {
  return findRows().find((row) => row.dataset.row === id) ?? null;
}

/**
 * To the menu of a row, or to the message field, unless the reader has gone elsewhere meanwhile. What was loaded is shown
 * some frames later: until then the row may not be there yet, and the one that is `gone` still have the focus.
 */
export function focusRow(id: string | null, gone: string | null = null): void {
  let frames = MOST_FRAMES;
  const look = () => {
    const row = id === null ? null : findRow(id);
    const isShown = (id === null || row !== null) && (gone === null || findRow(gone) === null);
    if (!isShown && frames-- > 0) {
      requestAnimationFrame(look);
      return;
    }
    if (!isFocusLost()) return;
    const menu = row?.querySelector<HTMLElement>("[aria-haspopup=menu]");
    (menu ?? findMessageField())?.focus({ preventScroll: menu !== undefined });
  };
  requestAnimationFrame(look);
}
