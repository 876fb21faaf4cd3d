import type { Signals } from "@/shared/wire/memories";

/** What part of the whole each signal gave, the largest first; what gave nothing is left out. */
export function shareOut(signals: Signals): [name: string, share: number][] {
  const given = Object.entries(signals).filter(([, value]) => value > 0);
  const whole = given.reduce((sum, [, value]) => sum + value, 0);
  return given.map(([name, value]): [string, number] => [name, value / whole]).sort(([, a], [, b]) => b - a);
}
