/** Times as people say them, in the reader's zone and language. */

const DAY_MS = 86_400_000;

export type DayGroup =
  | { kind: "today" }
  | { kind: "yesterday" }
  | { kind: "week" }
  | { kind: "month"; label: string };

export function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** Whole calendar days between two moments; daylight saving does not shift it. */
export function daysBetween(earlier: number, later: number): number {
  return Math.round((startOfDay(later) - startOfDay(earlier)) / DAY_MS);
}

export function dayGroup(at: number, now: number, language: string): DayGroup {
  const days = daysBetween(at, now);
  if (days <= 0) return { kind: "today" };
  if (days === 1) return { kind: "yesterday" };
  if (days <= 7) return { kind: "week" };
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const month = formatter(language, sameYear ? { month: "long" } : { month: "long", year: "numeric" });
  return { kind: "month", label: month.format(at) };
}

export function clock(at: number, language: string): string {
  return formatter(language, { timeStyle: "short" }).format(at);
}

/** “Sat 21 Nov”, with the year when it is another one. */
export function shortDay(at: number, now: number, language: string): string {
  const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return formatter(language, { weekday: "short", day: "numeric", month: "short", year }).format(at);
}

export function fullTime(at: number, language: string): string {
  return formatter(language, { dateStyle: "full", timeStyle: "short" }).format(at);
}

/** Seconds with one decimal under ten (two under a tenth), whole ones above. */
export function seconds(ms: number, language: string): string {
  const digits = ms < 95 ? 2 : ms < 9_950 ? 1 : 0;
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    ms / 1000,
  );
}

/** 128000 as “128k”, 1048576 as “1M”. */
export function tokens(count: number): string {
  if (count >= 1_000_000) return `${Math.round(count / 100_000) / 10}M`;
  return count >= 1000 ? `${Math.round(count / 1000)}k` : String(count);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** The reader's own way of writing dates in the page's language: British English is not American. */
export function regional(language: string): string {
  return navigator.languages.find((wanted) => wanted.startsWith(language)) ?? language;
}

/** Making one costs about 50 µs, and a long list needs hundreds. */
function formatter(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let found = formatters.get(key);
  if (!found) formatters.set(key, (found = new Intl.DateTimeFormat(regional(language), options)));
  return found;
}
