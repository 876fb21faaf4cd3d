import { describe, expect, it } from "vitest";

import { shareOut } from "@/shared/recall/shares";

describe("the signals of a recall", () => {
  it("are shown by what they gave of the whole, the largest first", () => {
    expect(shareOut({ words: 0.2, meaning: 0.6, date: 0 })).toEqual([
      ["meaning", expect.closeTo(0.75)],
      ["words", expect.closeTo(0.25)],
    ]);
  });

  it("are none when nothing gave anything", () => {
    expect(shareOut({ words: 0 })).toEqual([]);
  });
});
