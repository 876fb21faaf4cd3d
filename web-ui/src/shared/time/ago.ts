import { regional } from "@/shared/time/format";

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** “3 hours ago”, “in 2 days”, “now” for less than a minute; in the reader's language. */
export function ago(at: number, language: string, now: number = Date.now()): string {
  const format = new Intl.RelativeTimeFormat(regional(language), { numeric: "auto" });
  const passed = at - now;
  const [unit, ms] = STEPS.find(([, length]) => Math.abs(passed) >= length) ?? ["second", Infinity];
  return format.format(ms === Infinity ? 0 : Math.trunc(passed / ms), unit);
}

/** “21 Nov 2026”. */
export function dateOf(at: number, language: string): string {
  return new Intl.DateTimeFormat(regional(language), { dateStyle: "medium" }).format(at);
}

/** “21 Nov 2026, 09:14”. */
export function dateTimeOf(at: number, language: string): string {
  return new Intl.DateTimeFormat(regional(language), { dateStyle: "medium", timeStyle: "short" }).format(at);
}
