import { expect, it } from "vitest";

import { groupConversations } from "@/features/sidebar/group-conversations";
import type { Conversation } from "@/shared/wire/resources";

const NOW = new Date("2026-11-21T14:00:00").getTime();
const WORDS = { pinned: "Pinned", today: "Today", yesterday: "Yesterday", week: "Previous 7 days" };

function conversation(id: string, day: string): Conversation {
  const at = new Date(day).getTime();
  const rest = { model: "", assistant: "", instructions: "", temperature: null, running_turn: null };
  return { id, title: id, created_at: at, updated_at: at, ...rest };
}

it("names each day once, above its conversations", () => {
  const rows = groupConversations(
    [
      conversation("a", "2026-11-21T09:00:00"),
      conversation("b", "2026-11-21T08:00:00"),
      conversation("c", "2026-11-20T08:00:00"),
      conversation("d", "2026-10-02T08:00:00"),
    ],
    NOW,
    "en",
    WORDS,
  );
  expect(rows.map((row) => (row.kind === "group" ? row.label : row.id))).toEqual([
    "Today",
    "a",
    "b",
    "Yesterday",
    "c",
    "October",
    "d",
  ]);
});
