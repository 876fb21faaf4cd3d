import { useEffect, useState } from "react";

const TICK_MS = 250;

/** Whole seconds left of `seconds`, counted from when `from` became another object; 0 when it is over. */
export function useCountdown(seconds: number, from: unknown): number {
  const [passed, setPassed] = useState({ from, seconds: 0 });
  const left = Math.max(0, Math.ceil(seconds - (passed.from === from ? passed.seconds : 0)));
  const isRunning = left > 0;
  useEffect(() => {
    if (!isRunning) return;
    const begun = Date.now();
    const timer = setInterval(() => setPassed({ from, seconds: (Date.now() - begun) / 1000 }), TICK_MS);
    return () => clearInterval(timer);
  }, [isRunning, from]);
  return left;
}
