/** What the server could not do just now, asked again after a while: each thing waits at most once. */
import { BackOff } from "@/shared/connection/back-off";

interface Wait {
  backOff: BackOff;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Retries {
  private readonly waits = new Map<string, Wait>();

  /** `again` after a growing while, and not before `leastMs`. */
  postpone(name: string, leastMs: number, again: () => void): void {
    const wait = this.waits.get(name) ?? { backOff: new BackOff(), timer: undefined };
    this.waits.set(name, wait);
    clearTimeout(wait.timer);
    wait.timer = setTimeout(again, Math.max(leastMs, wait.backOff.nextMs()));
  }

  /** It was done. */
  forget(name: string): void {
    clearTimeout(this.waits.get(name)?.timer);
    this.waits.delete(name);
  }

  /** Nothing is asked again for now. */
  clear(): void {
    for (const name of [...this.waits.keys()]) this.forget(name);
  }
}
