import type { OutboxEntry, RetryEntry, SendEntry } from "@/shared/connection/outbox";
import { startOfDay } from "@/shared/time/format";
import type { Message } from "@/shared/wire/resources";
import type { Part } from "@/shared/wire/generated";

interface RowPlace {
  id: string;
  at: number;
  /** Set on the first row of a day. */
  day: number | null;
}

export type Row = RowPlace &
  ({ kind: "message"; message: Message; retry: RetryEntry | null } | { kind: "unsent"; entry: SendEntry });

/** Stored messages, then what has not been acknowledged yet; a day is named at its first row. */
export function buildRows(messages: Message[], outbox: OutboxEntry[]): Row[] {
  const retries = new Map(outbox.filter((entry) => entry.kind === "retry").map((entry) => [entry.message, entry]));
  const rows: Row[] = messages.map((message) => ({
    kind: "message",
    id: message.id,
    at: message.created_at,
    day: null,
    message,
    retry: retries.get(message.id) ?? null,
  }));
  for (const entry of outbox) {
    if (entry.kind === "send") rows.push({ kind: "unsent", id: entry.id, at: entry.at, day: null, entry });
  }
  return rows.map((row, index) => (isNewDay(rows[index - 1], row) ? { ...row, day: row.at } : row));
}

function isNewDay(before: Row | undefined, row: Row): boolean {
  return before === undefined || startOfDay(before.at) !== startOfDay(row.at);
}

/** What a reader would call the text: the text parts, joined. */
export function plainText(parts: Part[]): string {
  return parts
    .filter((part) => part.kind === "text")
    .map((part) => part.text)
    .join("");
}

const PREVIEW_CHARS = 90;

/** The beginning of a message in one line, without Markdown's marks. */
export function preview(parts: Part[]): string {
  const text = plainText(parts).slice(0, 4 * PREVIEW_CHARS);
  const line = text.replace(/[#*_`>|]+/g, " ").replace(/\s+/g, " ").trim();
  return line.length > PREVIEW_CHARS ? `${line.slice(0, PREVIEW_CHARS).trimEnd()}…` : line;
}
