/** What is written and not sent yet, for each conversation, in this browser. */
import { ownPrefix } from "@/shared/data/own-storage";

const PREFIX = ownPrefix("draft");
const NEW = "new";

export function readDraft(conversation: string | null): string {
  try {
    return localStorage.getItem(PREFIX + (conversation ?? NEW)) ?? "";
  } catch {
    return "";
  }
}

export function writeDraft(conversation: string | null, text: string): void {
  const key = PREFIX + (conversation ?? NEW);
  try {
    if (text === "") localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // storage is full or switched off: the draft lasts as long as the page
  }
}
