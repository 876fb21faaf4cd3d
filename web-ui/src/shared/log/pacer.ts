/**
 * Text arrives in bursts and is shown at an even pace: each frame shows a share of what is waiting, so
 * that the picture trails by about `LAG_MS` and never by more than `MOST_LAG_MS`.
 */
import { isHigh } from "@/shared/log/fold";

const LAG_MS = 60;
const MOST_LAG_MS = 150;
const FEWEST_UNITS = 1;

export class Pacer {
  private shown = 0;
  private oldestWaitingAt: number | null = null;
  private carry = 0;

  get shownUnits(): number {
    return this.shown;
  }

  /** How many units of a text with `length` units to show, `elapsedMs` after the last frame. */
  advance(length: number, nowMs: number, elapsedMs: number): number {
    const waiting = length - this.shown;
    if (waiting <= 0) {
      this.settle();
      return this.shown;
    }
    this.oldestWaitingAt ??= nowMs;
    const isLate = nowMs - this.oldestWaitingAt > MOST_LAG_MS && waiting > 4 * FEWEST_UNITS;
    const share = waiting * (1 - Math.exp(-elapsedMs / (isLate ? LAG_MS / 3 : LAG_MS))) + this.carry;
    const step = Math.max(FEWEST_UNITS, Math.floor(share));
    this.carry = Math.max(0, share - step);
    this.shown = Math.min(length, this.shown + step);
    if (this.shown === length) this.settle();
    return this.shown;
  }

  /** Show everything at once: at the end, without motion, or after a pause in a hidden tab. */
  flush(length: number): number {
    this.shown = length;
    this.settle();
    return length;
  }

  private settle(): void {
    this.oldestWaitingAt = null;
    this.carry = 0;
  }
}

/** The first `units` of a text, never ending between the halves of a surrogate pair. */
export function cut(text: string, units: number): string {
  if (units >= text.length) return text;
  return text.slice(0, units > 0 && isHigh(text.charCodeAt(units - 1)) ? units - 1 : units);
}
