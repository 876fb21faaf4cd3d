import { describe, expect, it } from "vitest";

import { findSlash, matchNames } from "@/features/composer/slash";

describe("a slash", () => {
  it.each([
    ["/", { start: 0, query: "" }],
    ["/Sum", { start: 0, query: "sum" }],
    ["Please /sum", { start: 7, query: "sum" }],
    ["one\n/zusammen-ü_1", { start: 4, query: "zusammen-ü_1" }],
  ])("opens the list in %j", (text, slash) => {
    expect(findSlash(text, text.length)).toEqual(slash);
  });

  it.each(["and/or", "https://x", "/two words", "/sum ", "", `/${"x".repeat(51)}`, "a /x".repeat(0)])("does not in %j", (text) => {
    expect(findSlash(text, text.length)).toBeNull();
  });

  it("counts up to the caret only", () => {
    expect(findSlash("/summary", 4)).toEqual({ start: 0, query: "sum" });
    expect(findSlash("x /a", 1)).toBeNull();
  });

  it("finds names that begin with it before those that contain it", () => {
    const names = ["resum", "sum", "other", "summary"].map((name) => ({ name }));
    expect(matchNames(names, "sum").map(({ name }) => name)).toEqual(["sum", "summary", "resum"]);
  });
});
