/** Where the focus goes when the message that had it is gone. Rows say by `data-row` which message they are. */
import { findMessageField, isFocusLost } from "@/shared/keyboard/message-field";

/** The row before a message, or with `orLater` the one after it where there is none before; null without. */
export function findNeighbour(id: string, orLater: boolean): string | null {
  const rows = Array.from(document.querySelectorAll<HTMLElement>("[data-row]"), (row) => row.dataset.row ?? "");
  const place = rows.indexOf(id);
  if (place < 0) return null;
  return rows[place - 1] ?? (orLater ? rows[place + 1] : undefined) ?? null;
}

/** To the menu of a row, or to the message field, unless the reader has gone elsewhere meanwhile. */
export function focusRow(id: string | null): void {
  requestAnimationFrame(() => {
    if (!isFocusLost()) return;
    const row = id === null ? null : document.querySelector(`[data-row="${CSS.escape(id)}"]`);
    const menu = row?.querySelector<HTMLElement>("[aria-haspopup=menu]");
    (menu ?? findMessageField())?.focus({ preventScroll: menu !== undefined });
  });
}
