import type { OutboxEntry, RetryEntry, SendEntry } from "@/shared/connection/outbox";
import { startOfDay } from "@/shared/time/format";
import type { Message, Summary } from "@/shared/wire/resources";
import type { Part } from "@/shared/wire/generated";

interface RowPlace {
  id: string;
  at: number;
  /** Set on the first row of a day. */
  day: number | null;
  /** What the model sees instead of the messages from here on; on the first of them that is loaded. */
  summary: Summary | null;
  isSummarised: boolean;
}

export type Row = RowPlace &
  ({ kind: "message"; message: Message; retry: RetryEntry | null } | { kind: "unsent"; entry: SendEntry });

/** Stored messages, then what has not been acknowledged yet; a day is named at its first row. */
export function buildRows(messages: Message[], outbox: OutboxEntry[], summaries: Summary[] = []): Row[] {
  const covering = coverings(messages, summaries);
  const retries = new Map(outbox.filter((entry) => entry.kind === "retry").map((entry) => [entry.message, entry]));
  const rows: Row[] = messages.map((message, index) => ({
    kind: "message",
    id: message.id,
    at: message.created_at,
    day: null,
    summary: startsAt(covering, messages, index) ?? null,
    isSummarised: covering.has(message.id),
    message,
    retry: retries.get(message.id) ?? null,
  }));
  for (const entry of outbox) {
    if (entry.kind === "send") rows.push({ kind: "unsent", id: entry.id, at: entry.at, day: null, summary: null, isSummarised: false, entry });
  }
  return rows.map((row, index) => (isNewDay(rows[index - 1], row) ? { ...row, day: row.at } : row));
}

/** The widest summary that counts, for each message that it covers: one counts when its last message is on the path. */
function coverings(messages: Message[], summaries: Summary[]): Map<string, Summary> {
  const places = new Map(messages.map((message, index) => [message.id, index]));
  const covering = new Map<string, Summary>();
  for (const summary of summaries.toSorted((one, other) => other.level - one.level)) {
    const last = places.get(summary.last);
    if (last === undefined || summary.is_stale) continue;
    const first = places.get(summary.first) ?? 0;
    for (const message of messages.slice(first, last + 1)) {
      if (!covering.has(message.id)) covering.set(message.id, summary);
    }
  }
  return covering;
}

function startsAt(covering: Map<string, Summary>, messages: Message[], index: number): Summary | undefined {
  const summary = covering.get(messages[index]?.id ?? "");
  const before = covering.get(messages[index - 1]?.id ?? "");
  return summary === before ? undefined : summary;
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
