import { describe, expect, it } from "vitest";
import { findDay, findNearest, layOut } from "./layout";
import type { LogLineEntry } from "./types";

const NOON = new Date(2026, 10, 21, 12, 0).getTime();
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function makeEntries(count: number, step_ms: number, change: Partial<LogLineEntry> = {}): LogLineEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `m${index}`,
    at: NOON + index * step_ms,
    role: index % 2 === 0 ? "user" : "assistant",
    preview: `message ${index}`,
    continued: false,
    ideas: 0,
    ...change,
  }));
}

describe("the log line's layout", () => {
  it("keeps the order of messages, within the height", () => {
    for (const count of [1, 2, 30, 5_000]) {
      const { places, end } = layOut(makeEntries(count, 7 * MINUTE_MS), 600);
      places.forEach((place, index) => expect(place).toBeGreaterThanOrEqual(places[index - 1] ?? 0));
      expect(end).toBeLessThanOrEqual(600);
    }
  });

  it("of a short conversation is short", () => {
    expect(layOut(makeEntries(4, MINUTE_MS), 900).end).toBeLessThan(150);
  });

  it("gives a pause a little room, and not as much as it was long", () => {
    const entries = makeEntries(3, MINUTE_MS);
    const [first, second, third] = entries as [LogLineEntry, LogLineEntry, LogLineEntry];
    const { places } = layOut([first, second, { ...third, at: second.at + 200 * DAY_MS }], 900);
    const talk = (places[1] ?? 0) - (places[0] ?? 0);
    const pause = (places[2] ?? 0) - (places[1] ?? 0);
    expect(pause).toBeGreaterThan(talk * 1.5);
    expect(pause).toBeLessThan(talk * 6);
  });

  it("draws a few hundred things at most, however many messages there are", () => {
    const { bands, ticks, knots, flags, density } = layOut(makeEntries(5_000, 3 * 3_600_000, { continued: true, ideas: 1 }), 900);
    expect(density).toBe("crowded");
    expect(bands.length + ticks.length + knots.length + flags.length).toBeLessThan(500);
    expect(bands.reduce((sum, band) => sum + band.count, 0)).toBe(5_000);
  });

  it("names days, and months when there are too many days", () => {
    const unitsOf = (count: number) => new Set(layOut(makeEntries(count, DAY_MS), 700).ticks.map((tick) => tick.names?.unit));
    expect(unitsOf(5)).toContain("day");
    expect(unitsOf(300)).toContain("month");
    expect(unitsOf(300)).not.toContain("day");
  });

  it("marks full hours between the messages of a day", () => {
    const { ticks, places } = layOut(makeEntries(2, 90 * MINUTE_MS), 600);
    const hours = ticks.filter((tick) => tick.kind === "hour");
    expect(hours).toHaveLength(1);
    expect(hours[0]?.place).toBeGreaterThan(places[0] ?? 0);
    expect(hours[0]?.place).toBeLessThan(places[1] ?? 0);
  });

  it("knows the message nearest to a place", () => {
    const { places } = layOut(makeEntries(200, 11 * MINUTE_MS), 800);
    for (let place = 0; place <= 800; place += 13) {
      const distances = [...places].map((each) => Math.abs(each - place));
      expect(distances[findNearest(places, place)]).toBe(Math.min(...distances));
    }
    expect(findNearest(new Float64Array(), 5)).toBe(-1);
  });

  it("steps from day to day", () => {
    const entries = makeEntries(9, DAY_MS / 3);
    const isNewDay = (index: number) => new Date(entries[index]?.at ?? 0).getDate() !== new Date(entries[index - 1]?.at ?? 0).getDate();
    const next = findDay(entries, 0, 1);
    expect(isNewDay(next)).toBe(true);
    expect(findDay(entries, next + 1, -1)).toBe(next);
    expect(findDay(entries, next, -1)).toBe(0);
    expect(findDay(entries, 8, 1)).toBe(8);
    expect(findDay(entries, 0, -1)).toBe(0);
  });
});
