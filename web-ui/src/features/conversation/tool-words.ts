/** What the line of a tool call says. Arguments are the model's own words: they may be anything, or cut off. */
import { i18n } from "@/shared/i18n/i18n";
import type { ToolCallPart } from "@/shared/wire/generated";

export interface CallWords {
  icon: "search" | "open" | "other";
  words: string;
}

export function readCall(call: ToolCallPart): CallWords {
  const given = readArguments(call.arguments);
  if (call.name === "search_memory") {
    const query = typeof given.query === "string" ? given.query : "";
    return { icon: "search", words: i18n.t("conversation.tool.searched", { query }) };
  }
  if (call.name === "open_messages") {
    const count = Array.isArray(given.ids) ? given.ids.length : 0;
    return { icon: "open", words: i18n.t("conversation.tool.opened", { count }) };
  }
  return { icon: "other", words: i18n.t("conversation.tool_called", { name: call.name }) };
}

function readArguments(text: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null ? (read as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
