const FIRST_MS = 400;
const MOST_MS = 3_000;
const MOST_HIDDEN_MS = 20_000;

/**
 * Doubling waits with jitter, so that a restarted server is not met by everybody at once. Somebody who looks
 * at the page waits for seconds only; a tab in the background has time.
 */
export class BackOff {
  private attempts = 0;

  nextMs(random: () => number = Math.random): number {
    const ceiling = Math.min(document.hidden ? MOST_HIDDEN_MS : MOST_MS, FIRST_MS * 2 ** this.attempts);
    this.attempts++;
    return Math.round(ceiling * (0.5 + random() / 2));
  }

  reset(): void {
    this.attempts = 0;
  }
}
