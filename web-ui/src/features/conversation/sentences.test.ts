import { describe, expect, it } from "vitest";

import { splitSentences } from "@/features/conversation/sentences";

describe("sentences for screen readers", () => {
  it("waits for the end of a sentence", () => {
    expect(splitSentences("The sea is", 0, false)).toEqual({ sentences: "", end: 0 });
    expect(splitSentences("The sea is calm. The wind", 0, false)).toEqual({ sentences: "The sea is calm.", end: 16 });
  });

  it("does not end at a point that may be a decimal one", () => {
    expect(splitSentences("It is 3.", 0, false).sentences).toBe("");
    expect(splitSentences("It is 3.14 long", 0, false).sentences).toBe("");
  });

  it("goes on from where it was and gives the rest at the end", () => {
    expect(splitSentences("One. Two and", 4, true)).toEqual({ sentences: "Two and", end: 12 });
  });

  it("reads no marks", () => {
    expect(splitSentences("## Plan\n- **go** [there](https://example.org) now.\n\n", 0, true).sentences).toBe(
      "Plan - go there now.",
    );
  });
});
