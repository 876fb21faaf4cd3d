/**
 * The page's one connection: opens it, watches its heartbeat, opens it again, by another way where one does not hold.
 * Knows frames, not what they mean.
 */
import { BackOff } from "@/shared/connection/back-off";
import { Ladder } from "@/shared/connection/ladder";
import type { LinkState } from "@/shared/connection/link-state";
import type { Rung, Wire, WireOpeners } from "@/shared/connection/wire";
import { SIGNED_OUT } from "@/shared/connection/wire";
import type { ClientFrame, ServerFrame } from "@/shared/wire/generated";

const DEFAULT_HEARTBEAT_S = 15;
const HELLO_TIMEOUT_MS = 5_000;
const PROBE_MS = 3_000;
const PROBE = "probe";
/** A connection that ends sooner after its hello has not held. */
const SHORT_MS = 2_000;

/** How the server answers a plain request: `away` when it does not. */
export type Welcome = "welcome" | "signed-out" | "away";

export interface LinkHandlers {
  onOpen(): void;
  onFrame(frame: ServerFrame): void;
  onLost(): void;
  onState(state: LinkState, rung: Rung): void;
  /** Asked when there was no connection: is the server there, and does it know us? */
  ask(): Promise<Welcome>;
}

interface Loss {
  afterMs?: number;
  isRefused?: boolean;
  /** Nothing was heard where something was due. */
  isSilent?: boolean;
}

export class Link {
  private wire: Wire | null = null;
  private climber: Wire | null = null;
  private openedAt: number | null = null;
  private isClosed = false;
  private heartbeatMs = DEFAULT_HEARTBEAT_S * 1000;
  private heardAt = 0;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private probing: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private climbing: ReturnType<typeof setTimeout> | undefined;
  private readonly backOff = new BackOff();
  private readonly ladder = new Ladder();

  constructor(
    private readonly openers: WireOpeners,
    private readonly handlers: LinkHandlers,
  ) {}

  start(): void {
    addEventListener("online", this.wake);
    addEventListener("offline", this.probe);
    document.addEventListener("visibilitychange", this.lookAgain);
    this.connect();
  }

  close(): void {
    this.isClosed = true;
    removeEventListener("online", this.wake);
    removeEventListener("offline", this.probe);
    document.removeEventListener("visibilitychange", this.lookAgain);
    clearTimeout(this.retry);
    this.drop();
  }

  /** False when there is no open connection; nothing is kept here. */
  send(frame: ClientFrame): boolean {
    if (this.wire === null || !this.isOpen) return false;
    this.wire.send(frame);
    return true;
  }

  /** Try now instead of at the end of the wait; another network may also bear a better rung. */
  readonly wake = (): void => {
    if (this.isClosed) return;
    if (this.isOpen && this.climber === null) this.climb(this.ladder.above);
    if (this.wire !== null) return;
    this.backOff.reset();
    this.connect();
  };

  private get isOpen(): boolean {
    return this.openedAt !== null;
  }

  private readonly lookAgain = (): void => {
    if (document.visibilityState !== "visible") return;
    if (this.wire === null) this.wake();
    if (this.isOpen && Date.now() - this.heardAt > this.heartbeatMs) this.probe();
  };

  /** A browser that says offline may still reach a server on this machine: ask, and believe the answer. */
  private readonly probe = (): void => {
    if (!this.send({ type: "ping", ref: PROBE })) return;
    clearTimeout(this.probing);
    this.probing = setTimeout(() => this.lose({}), PROBE_MS);
  };

  private connect(): void {
    clearTimeout(this.retry);
    const { rung } = this.ladder;
    this.handlers.onState("connecting", rung);
    this.expect(HELLO_TIMEOUT_MS);
    const opened: Wire = this.openers[rung]({
      onFrame: (frame) => {
        if (this.wire === opened) this.hear(frame);
      },
      onClose: (code) => {
        if (this.wire === opened) this.lose({ isRefused: code === SIGNED_OUT });
      },
    });
    this.wire = opened;
  }

  private hear(frame: ServerFrame): void {
    this.heardAt = Date.now();
    this.expect(2 * this.heartbeatMs);
    if (frame.type === "hello") this.greet(frame.heartbeat_s);
    else if (frame.type === "reconnect") this.lose({ afterMs: frame.after_ms });
    else this.handlers.onFrame(frame);
    // Only this: what else comes may have been on its way before the network went.
    if (frame.type === "pong" && frame.ref === PROBE) clearTimeout(this.probing);
  }

  private greet(heartbeatS: number): void {
    this.heartbeatMs = heartbeatS * 1000;
    this.openedAt = Date.now();
    this.backOff.reset();
    this.expect(2 * this.heartbeatMs);
    this.handlers.onState("open", this.ladder.rung);
    this.handlers.onOpen();
    this.planClimb();
  }

  /** The connection is dead unless something is heard within `waitMs`. */
  private expect(waitMs: number): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lose({ isSilent: true }), waitMs);
  }

  private lose({ afterMs, isRefused = false, isSilent = false }: Loss): void {
    const wasOpen = this.isOpen;
    const hasHeld = wasOpen && !isSilent && Date.now() - (this.openedAt ?? 0) >= SHORT_MS;
    if (hasHeld) this.ladder.hold();
    this.drop();
    if (this.isClosed) return;
    if (wasOpen) this.handlers.onLost();
    this.handlers.onState("waiting", this.ladder.rung);
    const isWelcome = !isRefused && (hasHeld || afterMs !== undefined);
    const waitMs = afterMs === undefined ? this.backOff.nextMs() : spread(afterMs);
    this.retry = setTimeout(() => void this.tryAgain(isWelcome, isSilent), waitMs);
  }

  private async tryAgain(isWelcome: boolean, isSilent: boolean): Promise<void> {
    const welcome = isWelcome ? null : await this.handlers.ask();
    if (welcome === "signed-out") {
      this.handlers.onState("signed-out", this.ladder.rung);
      return;
    }
    if (this.isClosed || this.wire !== null) return;
    const before = this.ladder.rung;
    if (welcome === "welcome") this.ladder.fail(isSilent);
    if (this.ladder.rung !== before) this.backOff.reset(); // the waits were for the other one
    this.connect();
  }

  private planClimb(): void {
    clearTimeout(this.climbing);
    const { climbMs, above } = this.ladder;
    if (climbMs !== null) this.climbing = setTimeout(() => this.climb(above), climbMs);
  }

  /** Try the rungs above, the best first, while the one below goes on; the first that says hello takes over. */
  private climb([rung, ...others]: Rung[]): void {
    clearTimeout(this.climbing);
    if (rung === undefined) {
      this.ladder.stay();
      this.planClimb();
      return;
    }
    const giveUp = () => {
      if (this.climber !== candidate) return;
      this.stopClimbing();
      this.climb(others);
    };
    const patience = setTimeout(giveUp, HELLO_TIMEOUT_MS);
    let isTaken = false;
    const candidate: Wire = this.openers[rung]({
      onFrame: (frame) => {
        if (isTaken && this.wire === candidate) this.hear(frame);
        if (isTaken || this.climber !== candidate || frame.type !== "hello") return;
        clearTimeout(patience);
        isTaken = true;
        this.changeTo(candidate, rung, frame.heartbeat_s);
      },
      onClose: (code) => {
        clearTimeout(patience);
        if (this.wire === candidate) this.lose({ isRefused: code === SIGNED_OUT });
        else giveUp();
      },
    });
    this.climber = candidate;
  }

  private changeTo(wire: Wire, rung: Rung, heartbeatS: number): void {
    this.climber = null;
    this.wire?.close();
    this.wire = wire;
    this.ladder.climbTo(rung);
    this.handlers.onLost();
    this.greet(heartbeatS);
  }

  private stopClimbing(): void {
    clearTimeout(this.climbing);
    const climber = this.climber;
    this.climber = null;
    climber?.close();
  }

  private drop(): void {
    clearTimeout(this.watchdog);
    clearTimeout(this.probing);
    this.stopClimbing();
    const wire = this.wire;
    this.wire = null;
    this.openedAt = null;
    wire?.close();
  }
}

const MOST_SPREAD_MS = 1_000;

/** All of a server's clients are told to come back at once, and must not: each takes a moment of its own after it. */
function spread(afterMs: number): number {
  return Math.round(afterMs + Math.random() * Math.min(afterMs, MOST_SPREAD_MS));
}
