/** Money, tokens and shares as people read them. */
import { regional } from "@/shared/time/format";

const MICROS = 1_000_000;

/** Millionths of a US dollar as “$1.50”; less than a cent with what it needs, nothing as “$0.00”. */
export function money(micros: number, language: string): string {
  const dollars = micros / MICROS;
  const digits = micros !== 0 && Math.abs(dollars) < 0.01 ? 4 : 2;
  return new Intl.NumberFormat(regional(language), {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(dollars);
}

export function count(amount: number, language: string): string {
  return new Intl.NumberFormat(regional(language)).format(amount);
}

/** What was entered as dollars (“1.5”, “1,50”) in millionths; null for nothing, NaN for what is no amount. */
export function readMoney(text: string): number | null {
  const plain = text.trim().replace(/^\$/, "").replace(",", ".");
  if (plain === "") return null;
  return /^\d+(\.\d*)?$|^\.\d+$/.test(plain) ? Math.round(Number(plain) * MICROS) : NaN;
}

/** A whole number (“250000”, “250,000”, “250k”, “2M”); null for nothing, NaN for what is none. */
export function readCount(text: string): number | null {
  const found = /^(\d+)([km]?)$/i.exec(text.trim().replace(/[\s,.'’_](?=\d{3})/g, ""));
  if (text.trim() === "") return null;
  if (!found) return NaN;
  const factor = { k: 1000, m: 1_000_000 }[(found[2] ?? "").toLowerCase()] ?? 1;
  return Number(found[1]) * factor;
}

/** `part` of 1, in whole per cents. */
export function percent(part: number, language: string): string {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(part);
}
