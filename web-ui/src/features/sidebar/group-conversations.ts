import { dayGroup } from "@/shared/time/format";
import type { Conversation } from "@/shared/wire/resources";

export type SidebarRow =
  | { kind: "group"; id: string; label: string }
  | { kind: "conversation"; id: string; conversation: Conversation };

interface GroupWords {
  today: string;
  yesterday: string;
  week: string;
}

/** Conversations under the day they were last used; the list is newest first already. */
export function groupConversations(
  conversations: Conversation[],
  now: number,
  language: string,
  words: GroupWords,
): SidebarRow[] {
  const rows: SidebarRow[] = [];
  let last = "";
  for (const conversation of conversations) {
    const group = dayGroup(conversation.updated_at, now, language);
    const label = group.kind === "month" ? group.label : words[group.kind];
    if (label !== last) rows.push({ kind: "group", id: `group ${label}`, label });
    last = label;
    rows.push({ kind: "conversation", id: conversation.id, conversation });
  }
  return rows;
}
