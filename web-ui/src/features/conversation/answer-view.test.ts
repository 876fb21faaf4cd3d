import { expect, it } from "vitest";

import { viewAnswer } from "@/features/conversation/answer-view";
import { LiveTurn } from "@/shared/connection/live-turn";
import type { Message } from "@/shared/wire/resources";

const QUEUED: Message = {
  id: "m2",
  conversation: "c1",
  parent: "m1",
  role: "assistant",
  status: "queued",
  parts: [],
  model: "openai/gpt-5-mini",
  created_at: 1000,
  ended_at: null,
  turn: "t1",
};

function pictureOf(turn: LiveTurn) {
  turn.paint(1, true);
  return turn.picture;
}

it("is queued until the model is asked, and then runs", () => {
  const turn = new LiveTurn("t1", "c1", false);
  const started = { turn: "t1", conversation: "c1", message: "m2", request: "m1", model: "", at: 1000 };
  turn.hear(1, { type: "turn.started", ...started });
  expect(viewAnswer(QUEUED, pictureOf(turn), null).status).toBe("queued");
  turn.hear(2, { type: "step.started", step: 1, model: "", at: 5000 });
  expect(viewAnswer(QUEUED, pictureOf(turn), null)).toMatchObject({ status: "running", startedAt: 5000 });
});

it("shows what was saved until the first event of a followed answer is there", () => {
  const saved: Message = { ...QUEUED, status: "running", parts: [{ kind: "text", text: "Half" }] };
  const view = viewAnswer(saved, pictureOf(new LiveTurn("t1", "c1", true)), null);
  expect(view).toMatchObject({ status: "running", isLive: true, parts: [{ kind: "text", text: "Half" }] });
});

it("gives way to the new answer that was asked for", () => {
  const old: Message = { ...QUEUED, status: "complete", parts: [{ kind: "text", text: "Old" }] };
  const retry = { kind: "retry" as const, id: "o1", conversation: "c1", message: "m2", at: 2000, problem: null };
  expect(viewAnswer(old, null, retry)).toMatchObject({ status: "queued", parts: [], startedAt: 2000 });
});
