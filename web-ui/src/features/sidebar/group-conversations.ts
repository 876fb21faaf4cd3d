import { dayGroup } from "@/shared/time/format";
import type { Conversation } from "@/shared/wire/resources";

export type SidebarRow =
  | { kind: "group"; id: string; label: string }
  | { kind: "conversation"; id: string; conversation: Conversation };

interface GroupWords {
  pinned: string;
  today: string;
  yesterday: string;
  week: string;
}

/** Conversations under the day they were last used, pinned ones before them; the list is in this order already. */
export function groupConversations(
  conversations: Conversation[],
  now: number,
  language: string,
  words: GroupWords,
): SidebarRow[] {
  const rows: SidebarRow[] = [];
  let last = "";
  for (const conversation of conversations) {
    const label = conversation.pinned_at && !conversation.archived_at ? words.pinned : dayLabel(conversation.updated_at, now, language, words);
    if (label !== last) rows.push({ kind: "group", id: `group ${label}`, label });
    last = label;
    rows.push({ kind: "conversation", id: conversation.id, conversation });
  }
  return rows;
}

function dayLabel(at: number, now: number, language: string, words: GroupWords): string {
  const group = dayGroup(at, now, language);
  return group.kind === "month" ? group.label : words[group.kind];
}
