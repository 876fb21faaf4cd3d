import { describe, expect, it } from "vitest";

import { ago } from "@/shared/time/ago";

const NOW = Date.UTC(2026, 10, 28, 12);
const MINUTE = 60_000;

describe("how long ago", () => {
  it.each([
    [NOW - 20_000, "now"],
    [NOW - 59 * MINUTE, "59 minutes ago"],
    [NOW - 61 * MINUTE, "1 hour ago"],
    [NOW - 26 * 60 * MINUTE, "yesterday"],
    [NOW - 40 * 24 * 60 * MINUTE, "last month"],
    [NOW + 50 * 60 * MINUTE, "in 2 days"],
  ])("is said in the largest unit that fits", (at, words) => {
    expect(ago(at, "en", NOW)).toBe(words);
  });
});
