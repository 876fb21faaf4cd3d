import type { Span, UsageItem } from "@/features/usage/usage-data";

export interface Sum {
  cost: number;
  tokens: number;
  input: number;
  /** Of the input, read from the providers' prompt caches. */
  cached: number;
  turns: number;
  /** Some of it was used on models without a price: the cost says too little. */
  isPartly: boolean;
}

const NOTHING: Sum = { cost: 0, tokens: 0, input: 0, cached: 0, turns: 0, isPartly: false };

function add(sum: Sum, item: UsageItem): Sum {
  return {
    cost: sum.cost + item.cost,
    tokens: sum.tokens + item.input_tokens + item.output_tokens,
    input: sum.input + item.input_tokens,
    cached: sum.cached + item.cached_tokens,
    turns: sum.turns + item.turns,
    isPartly: sum.isPartly || !item.has_price,
  };
}

export function sumOf(items: readonly UsageItem[]): Sum {
  return items.reduce(add, NOTHING);
}

/** Every day of the span in order, also those on which nothing was used. */
export function byDay(items: readonly UsageItem[], { from, to }: Span): { day: string; sum: Sum }[] {
  const sums = new Map<string, Sum>();
  for (const item of items) sums.set(item.day, add(sums.get(item.day) ?? NOTHING, item));
  return daysOf(from, to).map((day) => ({ day, sum: sums.get(day) ?? NOTHING }));
}

/** The dearest first; without prices those with the most tokens. */
export function byModel(items: readonly UsageItem[]): { model: string; sum: Sum }[] {
  const sums = new Map<string, Sum>();
  for (const item of items) sums.set(item.model, add(sums.get(item.model) ?? NOTHING, item));
  return [...sums]
    .map(([model, sum]) => ({ model, sum }))
    .sort((one, other) => other.sum.cost - one.sum.cost || other.sum.tokens - one.sum.tokens);
}

const DAY_MS = 86_400_000;

/** The last `count` days up to `now`; the server's days begin at midnight UTC. */
export function lastDays(count: number, now: number): Span {
  return { from: dayOf(now - (count - 1) * DAY_MS), to: dayOf(now) };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function daysOf(from: string, to: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS) days.push(dayOf(at));
  return days;
}
