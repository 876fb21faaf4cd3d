import { describe, expect, it } from "vitest";

import { LiveTurn } from "@/shared/connection/live-turn";
import type { Event } from "@/shared/wire/generated";

function feed(turn: LiveTurn, ...events: Event[]): void {
  for (const event of events) turn.hear(turn.seq + 1, event);
}

const begin = (part: number, kind: "text" | "idea" = "text"): Event => ({ type: "part.started", part, kind });
const delta = (part: number, text: string): Event => ({ type: "text.delta", part, text });
const LINE = "The harbour lay still under a thin mist while the crew wrote the day into the log.";

function textOf(turn: LiveTurn): string {
  return turn.picture.parts.map((part) => ("text" in part ? part.text : "")).join("|");
}

describe("a live turn", () => {
  it("shows a burst over several frames, always as a beginning of the text", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0), delta(0, LINE));
    const shown: string[] = [];
    for (let frame = 1; textOf(turn) !== LINE && frame < 200; frame++) {
      turn.paint(frame * 16, false);
      shown.push(textOf(turn));
    }
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.at(-1)).toBe(LINE);
    expect(shown.every((text) => LINE.startsWith(text))).toBe(true);
  });

  it("shows everything at once when it is asked to", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0), delta(0, LINE));
    expect(turn.paint(16, true)).toBe(true);
    expect(textOf(turn)).toBe(LINE);
  });

  it("begins a part when the one before it is whole", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0, "idea"), delta(0, "Whiskers"), { type: "part.ended", part: 0 }, begin(1), delta(1, LINE));
    turn.paint(16, false);
    expect(textOf(turn)).not.toContain("|");
    turn.paint(32, true);
    expect(textOf(turn)).toBe(`Whiskers|${LINE}`);
    expect(turn.picture.open).toBe(1);
  });

  it("keeps its outline while only the open text grows", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0, "idea"), delta(0, "Whis"));
    turn.paint(16, true);
    const { outline } = turn;
    feed(turn, delta(0, "kers"));
    turn.paint(32, true);
    expect(turn.outline, "an idea is shown elsewhere, too").not.toBe(outline);
    feed(turn, { type: "part.ended", part: 0 }, begin(1), delta(1, "The harbour"));
    turn.paint(48, true);
    const { outline: begun } = turn;
    feed(turn, delta(1, " lay still."));
    turn.paint(64, true);
    expect(turn.outline).toBe(begun);
    expect(textOf(turn)).toBe("Whiskers|The harbour lay still.");
    turn.stop();
    turn.paint(80, true);
    expect(turn.outline).toBe(turn.picture);
  });

  it("has ended for the reader when the last character is shown", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0), delta(0, LINE), { type: "turn.ended", status: "stopped", at: 1 });
    turn.paint(16, false);
    expect(turn.picture.status).toBe("running");
    turn.paint(32, true);
    expect(turn.picture.status).toBe("stopped");
  });

  it("does not measure what it did not see happen", () => {
    const replayed = new LiveTurn("t", "c", true);
    feed(replayed, begin(0), delta(0, "x"));
    replayed.paint(16, true);
    expect(replayed.picture.firstTokenAt).toBeNull();
  });

  it("says until when a busy provider is waited for, and forgets it at the first word", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, { type: "step.retrying", step: 1, reason: "The provider is busy.", wait_s: 2 });
    turn.paint(16, true);
    expect(turn.picture.retrying?.reason).toBe("The provider is busy.");
    feed(turn, begin(0), delta(0, "x"));
    turn.paint(32, true);
    expect(turn.picture.retrying).toBeNull();
  });

  const restored = (text: string): Event => ({
    type: "turn.restored",
    turn: "t",
    conversation: "c",
    message: "m",
    request: "r",
    model: "openai/x",
    at: 5,
    parts: [{ kind: "idea", text: "Whiskers" }, { kind: "text", text }],
    open: 1,
    steps: 1,
    attempts: 1,
  });

  it("goes on from an answer that was restored, with what is new in it", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0, "idea"), delta(0, "Whiskers"), { type: "part.ended", part: 0 }, begin(1), delta(1, LINE));
    turn.paint(16, true);
    expect(turn.hear(400, restored(LINE + " And"))).toBe("new");
    turn.paint(32, false);
    expect(textOf(turn).startsWith(`Whiskers|${LINE}`)).toBe(true);
    expect(turn.hear(401, delta(1, " so on."))).toBe("new");
    turn.paint(48, true);
    expect(textOf(turn)).toBe(`Whiskers|${LINE} And so on.`);
    expect(turn.hear(403, delta(1, "x"))).toBe("hole");
  });

  it("shows a restored answer that is shorter than what was seen as it stands", () => {
    const turn = new LiveTurn("t", "c", false);
    feed(turn, begin(0, "idea"), delta(0, "Whiskers"), { type: "part.ended", part: 0 }, begin(1), delta(1, LINE));
    turn.paint(16, true);
    turn.hear(9_000, restored("The"));
    turn.paint(32, true);
    expect(textOf(turn)).toBe("Whiskers|The");
    expect(turn.picture.hasBegun).toBe(true);
  });
});
