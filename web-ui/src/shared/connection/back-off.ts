const FIRST_MS = 400;
const MOST_MS = 3_000;
const MOST_HIDDEN_MS = 20_000;

/**
 * Doubling waits with jitter, so that a restarted server is not met by everybody at once: the first is between 40
 * and 400 ms, later ones at least half of their longest. Somebody who looks at the page waits for seconds only; a tab in
 * the background has time.
 */
export class BackOff {
  private attempts = 0;

  nextMs(random: () => number = Math.random): number {
    const ceiling = Math.min(document.hidden ? MOST_HIDDEN_MS : MOST_MS, FIRST_MS * 2 ** this.attempts);
    const floor = this.attempts === 0 ? 0.1 : 0.5;
    this.attempts++;
    return Math.round(ceiling * (floor + (1 - floor) * random()));
  }

  reset(): void {
    this.attempts = 0;
  }
}
