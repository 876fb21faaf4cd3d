/**
 * The page's one WebSocket: opens it, watches its heartbeat, opens it again. Knows frames, not what they mean.
 */
import { BackOff } from "@/shared/connection/back-off";
import type { LinkState } from "@/shared/connection/link-state";
import type { ClientFrame, ServerFrame } from "@/shared/wire/generated";
import { PROTOCOL } from "@/shared/wire/generated";

const DEFAULT_HEARTBEAT_S = 15;
const HELLO_TIMEOUT_MS = 10_000;
const PROBE_MS = 3_000;
const PROBE = "probe";
/** The close code of a connection whose session or account has ended. */
const SIGNED_OUT = 1008;

export interface SocketHandlers {
  onOpen(): void;
  onFrame(frame: ServerFrame): void;
  onLost(): void;
  onState(state: LinkState): void;
  /** Asked when the server could not be reached: is it that we are signed out? */
  isSignedOut(): Promise<boolean>;
}

export class Socket {
  private socket: WebSocket | null = null;
  private isOpen = false;
  private isClosed = false;
  private heartbeatMs = DEFAULT_HEARTBEAT_S * 1000;
  private heardAt = 0;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private probing: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly backOff = new BackOff();

  constructor(
    private readonly url: string,
    private readonly handlers: SocketHandlers,
    private readonly open: (url: string, protocol: string) => WebSocket = (to, protocol) => new WebSocket(to, protocol),
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
    if (this.socket === null || !this.isOpen) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Try now instead of at the end of the wait. */
  readonly wake = (): void => {
    if (this.isClosed || this.socket !== null) return;
    this.backOff.reset();
    this.connect();
  };

  private readonly lookAgain = (): void => {
    if (document.visibilityState !== "visible") return;
    this.wake();
    if (this.isOpen && Date.now() - this.heardAt > this.heartbeatMs) this.probe();
  };

  /** A browser that says offline may still reach a server on this machine: ask, and believe the answer. */
  private readonly probe = (): void => {
    if (!this.send({ type: "ping", ref: PROBE })) return;
    clearTimeout(this.probing);
    this.probing = setTimeout(() => this.lose(), PROBE_MS);
  };

  private connect(): void {
    clearTimeout(this.retry);
    this.handlers.onState("connecting");
    const socket = this.open(this.url, PROTOCOL);
    this.socket = socket;
    socket.onmessage = (message) => {
      if (socket === this.socket && typeof message.data === "string") this.hear(message.data);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.socket) this.lose(undefined, code === SIGNED_OUT);
    };
    this.expect(HELLO_TIMEOUT_MS);
  }

  private hear(raw: string): void {
    this.heardAt = Date.now();
    this.expect(2 * this.heartbeatMs);
    const frame = JSON.parse(raw) as ServerFrame;
    if (frame.type === "hello") this.greet(frame.heartbeat_s);
    else if (frame.type === "reconnect") this.lose(frame.after_ms);
    else this.handlers.onFrame(frame);
    // Only this: what else comes may have been on its way before the network went.
    if (frame.type === "pong" && frame.ref === PROBE) clearTimeout(this.probing);
  }

  private greet(heartbeatS: number): void {
    this.heartbeatMs = heartbeatS * 1000;
    this.isOpen = true;
    this.backOff.reset();
    this.expect(2 * this.heartbeatMs);
    this.handlers.onState("open");
    this.handlers.onOpen();
  }

  /** The connection is dead unless something is heard within `waitMs`. */
  private expect(waitMs: number): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lose(), waitMs);
  }

  private lose(afterMs?: number, isRefused = false): void {
    const wasOpen = this.isOpen;
    this.drop();
    if (this.isClosed) return;
    if (wasOpen) this.handlers.onLost();
    this.handlers.onState("waiting");
    const waitMs = afterMs === undefined ? this.backOff.nextMs() : spread(afterMs);
    this.retry = setTimeout(() => void this.tryAgain(wasOpen && !isRefused), waitMs);
  }

  private async tryAgain(isWelcome: boolean): Promise<void> {
    if (!isWelcome && (await this.handlers.isSignedOut())) {
      this.handlers.onState("signed-out");
      return;
    }
    if (!this.isClosed && this.socket === null) this.connect();
  }

  private drop(): void {
    clearTimeout(this.watchdog);
    clearTimeout(this.probing);
    const socket = this.socket;
    this.socket = null;
    this.isOpen = false;
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

const MOST_SPREAD_MS = 1_000;

/** All of a server's clients are told to come back at once, and must not: each takes a moment of its own after it. */
function spread(afterMs: number): number {
  return Math.round(afterMs + Math.random() * Math.min(afterMs, MOST_SPREAD_MS));
}
