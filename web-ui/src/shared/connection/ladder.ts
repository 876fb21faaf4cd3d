/** Which rung the page stands on: it falls when one does not hold, and climbs again after a while. */
import type { Rung } from "@/shared/connection/wire";
import { RUNGS } from "@/shared/connection/wire";

const MOST_FAILURES = 2;
const FIRST_CLIMB_MS = 20_000;
const MOST_CLIMB_MS = 300_000;
const STORED = "quarterdeck.rung";

export class Ladder {
  private failures = 0;
  private climbs = 0;
  private at: number;

  constructor() {
    this.at = Math.max(0, RUNGS.indexOf(read() as Rung));
  }

  get rung(): Rung {
    return RUNGS[this.at] ?? "poll";
  }

  /** How long to stay before a better rung is tried; null on the best. */
  get climbMs(): number | null {
    return this.at === 0 ? null : Math.min(MOST_CLIMB_MS, FIRST_CLIMB_MS * 2 ** this.climbs);
  }

  /** The rungs above, the best first. */
  get above(): Rung[] {
    return RUNGS.slice(0, this.at);
  }

  /** A connection did what it should. */
  hold(): void {
    this.failures = 0;
  }

  /** A connection failed though the server is there; `isSure`: it was silent, which is not worth a second try. */
  fail(isSure: boolean): void {
    this.failures += isSure ? MOST_FAILURES : 1;
    if (this.failures < MOST_FAILURES || this.at === RUNGS.length - 1) return;
    this.stand(this.at + 1);
  }

  climbTo(rung: Rung): void {
    this.stand(RUNGS.indexOf(rung));
  }

  /** Nothing above held. */
  stay(): void {
    this.climbs++;
  }

  private stand(at: number): void {
    this.at = at;
    this.failures = 0;
    if (at === 0) this.climbs++; // should it not hold, the next try is further away
    write(this.rung);
  }
}

/** A reload in the same tab begins where it stood. */
function read(): string | null {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function write(rung: Rung): void {
  try {
    sessionStorage.setItem(STORED, rung);
  } catch {
    // switched off: the next page begins at the top
  }
}
