/** Days as a field for dates has them (`2026-05-03`), and as one reads them. */
import { regional } from "@/shared/time/format";

/** The day's beginning in the reader's zone, or that of a day so many days later; null for an empty field. */
export function fromDateField(day: string, later = 0): number | null {
  const parts = /^(\d{4,6})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return null;
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + later).getTime();
}

export function toDateField(at: number | null): string {
  if (at === null) return "";
  const date = new Date(at);
  const pad = (part: number, digits: number) => String(part).padStart(digits, "0");
  return `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}`;
}

/** “3 May”, with the year when it is another one. */
export function day(at: number, now: number, language: string): string {
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "long", ...(isThisYear ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(regional(language), options).format(at);
}
