import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useCountdown } from "@/features/sign-in/use-countdown";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the wait after too many attempts", () => {
  it("counts down in whole seconds, ends at none, and begins anew with the next refusal", () => {
    const { result, rerender } = renderHook(({ seconds, from }) => useCountdown(seconds, from), {
      initialProps: { seconds: 3, from: {} },
    });
    expect(result.current).toBe(3);
    act(() => void vi.advanceTimersByTime(1_500));
    expect(result.current).toBe(2);
    act(() => void vi.advanceTimersByTime(5_000));
    expect(result.current).toBe(0);
    rerender({ seconds: 8, from: {} });
    expect(result.current).toBe(8);
    act(() => void vi.advanceTimersByTime(1_000));
    expect(result.current).toBe(7);
  });
});
