import { useEffect, useState } from "react";

/** Seconds since `from`, counted while `isRunning`. */
export function useSeconds(from: number, isRunning: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [isRunning]);
  return Math.max(0, Math.floor((now - from) / 1000));
}
