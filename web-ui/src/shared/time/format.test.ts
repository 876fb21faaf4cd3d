import { describe, expect, it } from "vitest";

import { dayGroup, daysBetween, seconds, shortDay, tokens } from "@/shared/time/format";

const at = (text: string) => new Date(text).getTime();
const NOW = at("2026-11-21T14:00:00");

describe("days", () => {
  it("calls a conversation of this morning today's and one from before midnight yesterday's", () => {
    expect(dayGroup(at("2026-11-21T00:01:00"), NOW, "en")).toEqual({ kind: "today" });
    expect(dayGroup(at("2026-11-20T23:59:00"), NOW, "en")).toEqual({ kind: "yesterday" });
  });

  it("groups a week, then months, with the year only when it is another one", () => {
    expect(dayGroup(at("2026-11-14T10:00:00"), NOW, "en")).toEqual({ kind: "week" });
    expect(dayGroup(at("2026-11-01T10:00:00"), NOW, "en")).toEqual({ kind: "month", label: "November" });
    expect(dayGroup(at("2025-12-24T10:00:00"), NOW, "en")).toEqual({ kind: "month", label: "December 2025" });
  });

  it("counts calendar days over a change of the clocks", () => {
    expect(daysBetween(at("2026-03-28T23:30:00"), at("2026-03-30T00:30:00"))).toBe(2);
  });

  it("writes a short day", () => {
    expect(shortDay(at("2026-11-20T12:00:00"), NOW, "en-GB")).toMatch(/Fri,? 20 Nov/);
  });
});

describe("figures", () => {
  it("writes seconds and token counts briefly", () => {
    expect(seconds(1234, "en")).toBe("1.2");
    expect(seconds(12_345, "en")).toBe("12");
    expect(seconds(42, "en")).toBe("0.04");
    expect(tokens(128_000)).toBe("128k");
    expect(tokens(1_048_576)).toBe("1M");
    expect(tokens(640)).toBe("640");
  });
});
