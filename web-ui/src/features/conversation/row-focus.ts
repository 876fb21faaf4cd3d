/** Where the focus goes when the message that had it is gone. Rows say by `data-row` which message they are. */

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
    if (document.activeElement !== null && document.activeElement !== document.body) return;
    const row = id === null ? null : document.querySelector(`[data-row="${CSS.escape(id)}"]`);
    const menu = row?.querySelector<HTMLElement>("[aria-haspopup=menu]");
    (menu ?? document.querySelector<HTMLElement>(".qd-field"))?.focus({ preventScroll: menu !== undefined });
  });
}
