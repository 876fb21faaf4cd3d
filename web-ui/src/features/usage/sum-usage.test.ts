import { describe, expect, it } from "vitest";

import { byDay, byModel, lastDays, sumOf } from "@/features/usage/sum-usage";
import type { UsageItem } from "@/features/usage/usage-data";

function item(day: string, model: string, cost: number, tokens: number, has_price = true): UsageItem {
  return { day, model, cost, input_tokens: tokens, output_tokens: 1, cached_tokens: 0, turns: 1, has_price };
}

const ITEMS = [
  item("2026-11-27", "openai/large", 300, 10),
  item("2026-11-27", "openai/small", 20, 99),
  item("2026-11-29", "openai/large", 100, 5),
  item("2026-11-29", "ollama/local", 0, 500, false),
];

describe("what was used", () => {
  it("is summed, and says when a price is missing", () => {
    expect(sumOf(ITEMS)).toEqual({ cost: 420, tokens: 618, input: 614, cached: 0, turns: 4, isPartly: true });
    expect(sumOf(ITEMS.slice(0, 2)).isPartly).toBe(false);
  });

  it("has a place for every day, also for those without", () => {
    const days = byDay(ITEMS, { from: "2026-11-26", to: "2026-11-29" });
    expect(days.map(({ day, sum }) => [day, sum.cost])).toEqual([
      ["2026-11-26", 0],
      ["2026-11-27", 320],
      ["2026-11-28", 0],
      ["2026-11-29", 100],
    ]);
  });

  it("is listed by model, the dearest first, then the most talkative", () => {
    const models = byModel([...ITEMS, item("2026-11-29", "ollama/tiny", 0, 7, false)]);
    expect(models.map(({ model }) => model)).toEqual(["openai/large", "openai/small", "ollama/local", "ollama/tiny"]);
  });

  it("of the last days includes today, over the end of a month", () => {
    expect(lastDays(30, Date.UTC(2026, 10, 28, 23))).toEqual({ from: "2026-10-30", to: "2026-11-28" });
  });
});
