import { useQuery } from "@tanstack/react-query";

import { request } from "@/shared/http/request";

/** Amounts of money are millionths of a US dollar. */
export interface UsageItem {
  day: string;
  model: string;
  cost: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  turns: number;
  has_price: boolean;
}

export interface Budget {
  id: string;
  period: "day" | "month";
  pattern: string;
  max_cost: number | null;
  max_tokens: number | null;
  used_cost: number;
  used_tokens: number;
  resets_at: number;
}

export interface UsageReport {
  items: UsageItem[];
  budgets: Budget[];
}

/** From the first to the last day, both counted, as `2026-11-28`. */
export interface Span {
  from: string;
  to: string;
}

/** One's own, or everybody's (for admins). */
export type Whose = "mine" | "all";

export function usagePath({ from, to }: Span, whose: Whose): string {
  const query = new URLSearchParams({ from, to, group: "day", ...(whose === "all" ? { all: "1" } : {}) });
  return `/api/usage?${query.toString()}`;
}

export function useUsage(span: Span, whose: Whose) {
  return useQuery({
    queryKey: ["usage", span.from, span.to, whose],
    queryFn: ({ signal }) => request<UsageReport>(usagePath(span, whose), { signal }),
    staleTime: 10_000,
    placeholderData: (previous) => previous,
  });
}
