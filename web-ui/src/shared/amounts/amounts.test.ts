import { describe, expect, it } from "vitest";

import { money, readCount, readMoney } from "@/shared/amounts/amounts";

describe("money", () => {
  it.each([
    [1_500_000, "$1.50"],
    [0, "$0.00"],
    [4_200, "$0.0042"],
    [12_345_678_900, "$12,345.68"],
  ])("of %i millionths is read as %s", (micros, words) => {
    expect(money(micros, "en")).toBe(words);
  });

  it.each([
    ["1.5", 1_500_000],
    ["$2", 2_000_000],
    ["0,25", 250_000],
    ["", null],
    ["ten", NaN],
    ["-1", NaN],
  ])("entered as “%s” is understood", (text, micros) => {
    expect(readMoney(text)).toBe(micros);
  });
});

describe("a number of tokens", () => {
  it.each([
    ["250000", 250_000],
    ["250,000", 250_000],
    ["250k", 250_000],
    ["2M", 2_000_000],
    [" ", null],
    ["many", NaN],
    ["1.5", NaN],
  ])("entered as “%s” is understood", (text, tokens) => {
    expect(readCount(text)).toBe(tokens);
  });
});
