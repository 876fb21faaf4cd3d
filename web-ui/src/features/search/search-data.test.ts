import { describe, expect, it } from "vitest";

import { cutPassage, isFiltered, readWanted, writeWanted } from "@/features/search/search-data";

describe("a passage", () => {
  it("is cut at its marks, which count characters and not units", () => {
    expect(cutPassage("The 🦊 fox ran", [[4, 5], [6, 9]])).toEqual([
      { text: "The ", isMarked: false },
      { text: "🦊", isMarked: true },
      { text: " ", isMarked: false },
      { text: "fox", isMarked: true },
      { text: " ran", isMarked: false },
    ]);
  });

  it("without marks is one piece", () => {
    expect(cutPassage("said", [])).toEqual([{ text: "said", isMarked: false }]);
    expect(cutPassage("", [])).toEqual([]);
  });
});

describe("what is searched for", () => {
  it("comes back from the address as it was put there", () => {
    const wanted = { ...readWanted(""), q: 'a "b & c" -d', who: "user", from: "2026-01-02" };
    expect(readWanted(writeWanted(wanted))).toEqual(wanted);
  });

  it("is filtered by anything but words and order", () => {
    expect(isFiltered(readWanted("q=a&order=best"))).toBe(false);
    expect(isFiltered(readWanted("q=a&has=ideas"))).toBe(true);
  });
});
