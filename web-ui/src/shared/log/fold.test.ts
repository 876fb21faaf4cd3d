import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

import { countPoints, fold, unitIndex } from "@/shared/log/fold";
import type { Event, FoldedTurn } from "@/shared/wire/generated";

interface Fixture {
  name: string;
  events: Event[];
  expect: Partial<FoldedTurn>;
}

const FOLDER = resolve(import.meta.dirname, "../../../../tests/fixtures/folds");
const fixtures = readdirSync(FOLDER).map(
  (file) => JSON.parse(readFileSync(resolve(FOLDER, file), "utf8")) as Fixture,
);

describe("fold", () => {
  it("has fixtures to run", () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(10);
  });

  it.each(fixtures.map((fixture) => [fixture.name, fixture] as const))("%s", (_name, fixture) => {
    expect(fold(fixture.events)).toMatchObject(fixture.expect);
    expect(Object.keys(fixture.expect)).toContain("parts");
  });

  it("refuses a delta for a part that never started", () => {
    expect(() => fold([{ type: "text.delta", part: 0, text: "x" }])).toThrow(RangeError);
  });
});

describe("code points", () => {
  it("counts a surrogate pair once and lone surrogates each", () => {
    expect(countPoints("a🌊b")).toBe(3);
    expect(countPoints("\ud83c")).toBe(1);
    expect(countPoints("")).toBe(0);
  });

  it("finds the place of a code point among the units", () => {
    expect(unitIndex("a🌊b", 2)).toBe(3);
    expect(unitIndex("ab", 9)).toBe(2);
  });
});
