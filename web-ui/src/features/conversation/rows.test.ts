import { describe, expect, it } from "vitest";

import { logEntries } from "@/features/conversation/log-entries";
import { buildRows, preview } from "@/features/conversation/rows";
import type { OutboxEntry } from "@/shared/connection/outbox";
import type { Message } from "@/shared/wire/resources";

const at = (text: string) => new Date(text).getTime();

function message(id: string, time: string, change: Partial<Message> = {}): Message {
  return {
    id,
    conversation: "c1",
    parent: null,
    role: "user",
    status: "complete",
    parts: [{ kind: "text", text: `text of ${id}` }],
    model: "",
    created_at: at(time),
    ended_at: null,
    turn: null,
    ...change,
  };
}

const EVENING = message("m1", "2026-11-20T23:50:00");
const NIGHT = message("m2", "2026-11-21T00:10:00", { role: "assistant" });

describe("rows", () => {
  it("name the day where it changes", () => {
    const later = message("m3", "2026-11-21T08:00:00");
    expect(buildRows([EVENING, NIGHT, later], []).map((row) => row.day !== null)).toEqual([true, true, false]);
  });

  it("end with what has not been acknowledged", () => {
    const unsent: OutboxEntry = {
      kind: "send",
      id: "o1",
      conversation: "c1",
      begins: false,
      text: "still here",
      at: at("2026-11-21T09:00:00"),
      problem: null,
    };
    const rows = buildRows([EVENING], [unsent]);
    expect(rows.map((row) => row.kind)).toEqual(["message", "unsent"]);
    expect(logEntries(rows)[1]).toMatchObject({ id: "o1", role: "user", preview: "still here" });
  });

  it("show with the old answer that a new one was asked for", () => {
    const retry: OutboxEntry = { kind: "retry", id: "o2", conversation: "c1", message: "m2", at: 0, problem: null };
    const [, answer] = buildRows([EVENING, NIGHT], [retry]);
    expect(answer).toMatchObject({ kind: "message", retry });
  });
});

describe("the log line's entries", () => {
  it("know of ideas and continuations", () => {
    const answer = message("m2", "2026-11-21T00:10:00", {
      role: "assistant",
      parts: [
        { kind: "idea", text: "Whiskers" },
        { kind: "text", text: "Saved." },
      ],
      continuations: [{ part: 1, offset: 2, at: 5 }],
    });
    expect(logEntries(buildRows([answer], []))).toMatchObject([{ ideas: 1, continued: true, preview: "Saved." }]);
  });
});

describe("a preview", () => {
  it("is one short line without marks", () => {
    expect(preview([{ kind: "text", text: "## Plan\n\n* **go** `now`\n" }])).toBe("Plan go now");
    expect(preview([{ kind: "text", text: "word ".repeat(100) }]).length).toBeLessThanOrEqual(91);
  });
});
