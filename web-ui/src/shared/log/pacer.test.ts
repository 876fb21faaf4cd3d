import { describe, expect, it } from "vitest";

import { cut, Pacer } from "@/shared/log/pacer";

const FRAME_MS = 16;

function framesUntilShown(pacer: Pacer, length: number): number {
  for (let frame = 1; frame < 1000; frame++) {
    if (pacer.advance(length, frame * FRAME_MS, FRAME_MS) === length) return frame;
  }
  return Number.POSITIVE_INFINITY;
}

describe("pacer", () => {
  it("spreads a burst over several frames", () => {
    const pacer = new Pacer();
    const first = pacer.advance(100, 0, FRAME_MS);
    const second = pacer.advance(100, FRAME_MS, FRAME_MS);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(50);
    expect(second).toBeGreaterThan(first);
  });

  it("keeps most of a burst within 150 ms and ends it soon after", () => {
    const pacer = new Pacer();
    let shown = 0;
    for (let at = 0; at <= 150; at += FRAME_MS) shown = pacer.advance(200, at, FRAME_MS);
    expect(shown).toBeGreaterThan(180);
    expect(framesUntilShown(new Pacer(), 200)).toBeLessThan(40);
  });

  it("never goes back and never beyond what is there", () => {
    const pacer = new Pacer();
    let last = 0;
    for (let frame = 0; frame < 300; frame++) {
      const length = frame < 150 ? frame * 3 : 450;
      const shown = pacer.advance(length, frame * FRAME_MS, FRAME_MS);
      expect(shown).toBeGreaterThanOrEqual(last);
      expect(shown).toBeLessThanOrEqual(length);
      last = shown;
    }
    expect(last).toBe(450);
  });

  it("flushes at once", () => {
    expect(new Pacer().flush(5000)).toBe(5000);
  });
});

describe("cut", () => {
  it("does not split a surrogate pair", () => {
    expect(cut("a🌊b", 2)).toBe("a");
    expect(cut("a🌊b", 3)).toBe("a🌊");
    expect(cut("a🌊b", 99)).toBe("a🌊b");
  });
});
