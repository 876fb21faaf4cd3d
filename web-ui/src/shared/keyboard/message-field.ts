/** Where the next message is written: null on a page without it. */
export function findMessageField(): HTMLElement | null {
  return document.querySelector<HTMLElement>(".qd-composer .qd-field");
}

/** Whether nothing has the focus: what had it is gone. */
export function isFocusLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}
