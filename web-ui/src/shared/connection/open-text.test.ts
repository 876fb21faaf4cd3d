import { expect, it, vi } from "vitest";

import { LiveTurn } from "@/shared/connection/live-turn";
import { OpenText } from "@/shared/connection/open-text";

function begin(text: string): LiveTurn {
  const turn = new LiveTurn("t", "c", false);
  turn.hear(1, { type: "part.started", part: 0, kind: "text" });
  turn.hear(2, { type: "text.delta", part: 0, text });
  turn.paint(16, true);
  return turn;
}

function follow(turn: LiveTurn, extend: (text: string) => boolean) {
  const end = { extend, restore: vi.fn() };
  const text = new OpenText(turn, 0, end);
  const notify = vi.fn();
  text.watch(notify);
  end.restore.mockClear();
  return { end, text, notify };
}

function grow(turn: LiveTurn, more: string): void {
  turn.hear(turn.seq + 1, { type: "text.delta", part: 0, text: more });
  turn.paint(32, true);
}

it("leaves React alone while the page can be extended", () => {
  const turn = begin("The harbour");
  const { text, notify } = follow(turn, () => true);
  grow(turn, " lay still");
  expect(notify).not.toHaveBeenCalled();
  expect(text.shown).toBe("The harbour");
});

it("gives React all of the text, after what it rendered has come back", () => {
  const turn = begin("The harbour");
  const { end, text, notify } = follow(turn, () => false);
  notify.mockImplementation(() => expect(end.restore).toHaveBeenCalledOnce());
  grow(turn, " *");
  expect(notify).toHaveBeenCalledOnce();
  expect(text.shown).toBe("The harbour *");
});

it("gives React all of it at the end and when the turn is not followed any more, even if it could be extended", () => {
  const turn = begin("The harbour");
  const { text } = follow(turn, () => true);
  grow(turn, " lay");
  turn.letGo();
  expect(text.shown).toBe("The harbour lay");
  grow(turn, " still");
  turn.hear(turn.seq + 1, { type: "turn.ended", status: "complete", at: 1 });
  turn.paint(48, true);
  expect(text.shown).toBe("The harbour lay still");
});

it("begins with what was painted since it was made", () => {
  const turn = begin("The harbour");
  const text = new OpenText(turn, 0, { extend: () => true, restore: () => undefined });
  grow(turn, " lay still");
  text.watch(() => undefined);
  expect(text.shown).toBe("The harbour lay still");
});
