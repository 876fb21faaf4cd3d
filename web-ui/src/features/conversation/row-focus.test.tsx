import { afterEach, expect, test, vi } from "vitest";

import { focusRow } from "@/features/conversation/row-focus";

function add(id: string): HTMLElement {
  const row = document.body.appendChild(document.createElement("article"));
  row.dataset.row = id;
  const menu = row.appendChild(document.createElement("button"));
  menu.setAttribute("aria-haspopup", "menu");
  return menu;
}

function addField(): HTMLElement {
  const composer = document.body.appendChild(document.createElement("div"));
  composer.className = "qd-composer";
  const field = composer.appendChild(document.createElement("textarea"));
  field.className = "qd-field";
  return field;
}

/** What is on the screen by then has been so for some frames. */
async function frames(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await new Promise(requestAnimationFrame);
}

afterEach(() => {
  document.body.replaceChildren();
});

test("the focus waits for a row that is shown some frames later", async () => {
  addField();
  focusRow("back");
  await frames(3);
  expect(document.activeElement).toBe(document.body);
  const menu = add("back");
  await vi.waitFor(() => expect(document.activeElement).toBe(menu));
});

test("the focus waits until the row that had it is gone", async () => {
  const stays = add("stays");
  const goes = add("goes");
  goes.focus();
  focusRow("stays", "goes");
  await frames(3);
  expect(document.activeElement).toBe(goes);
  goes.parentElement?.remove();
  await vi.waitFor(() => expect(document.activeElement).toBe(stays));
});

test("a row that does not come leaves the focus to the message field", async () => {
  const field = addField();
  focusRow("never");
  await vi.waitFor(() => expect(document.activeElement).toBe(field), 5_000);
});

test("who has gone elsewhere meanwhile is left there", async () => {
  const field = addField();
  focusRow("back");
  field.focus();
  add("back");
  await frames(5);
  expect(document.activeElement).toBe(field);
});
