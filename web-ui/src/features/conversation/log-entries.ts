import { preview } from "@/features/conversation/rows";
import type { Row } from "@/features/conversation/rows";

/** What the log line beside the conversation is told of one message. */
export interface LogEntry {
  id: string;
  at: number;
  role: "user" | "assistant";
  preview: string;
  continued: boolean;
  ideas: number;
  /** The model sees it as part of a summary. */
  summarised: boolean;
}

export function logEntries(rows: Row[]): LogEntry[] {
  return rows.map((row) => {
    if (row.kind === "unsent") {
      const text = preview([{ kind: "text", text: row.entry.text }]);
      return { id: row.id, at: row.at, role: "user", preview: text, continued: false, ideas: 0, summarised: false };
    }
    const { role, parts, continuations } = row.message;
    const ideas = parts.filter((part) => part.kind === "idea").length;
    const continued = Boolean(continuations?.length);
    return { id: row.id, at: row.at, role, preview: preview(parts), continued, ideas, summarised: row.isSummarised };
  });
}
