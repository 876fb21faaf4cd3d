/** The rungs below the socket: one stream of frames, or polling for them; what the client asks for goes beside it. */
import { carryOut } from "@/shared/connection/commands";
import { Cursors } from "@/shared/connection/cursors";
import { poll, readStream, RefusedError } from "@/shared/connection/frame-requests";
import type { Wire, WireEvents } from "@/shared/connection/wire";
import { SIGNED_OUT } from "@/shared/connection/wire";
import type { ClientFrame, ServerFrame } from "@/shared/wire/generated";

const CUT = 1006;
const GOING_AWAY = 1012;
const SILENT_MS = 5_000;
const MOST_EVENTS = 512;
const FEWEST_EVENTS = 8;
const MOST_FAILURES = 4;
const PAUSE_MS = 250;

/** Both ways begin with `hello`, and ask again whenever something else is to be followed. */
abstract class HttpWire implements Wire {
  protected readonly cursors = new Cursors();
  private asking = new AbortController();
  private isClosed = false;
  private hasGreeted = false;
  private turning: ReturnType<typeof setTimeout> | undefined;
  /** Messages keep their order. */
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly events: WireEvents) {
    this.turn();
  }

  send(frame: ClientFrame): void {
    if (this.cursors.note(frame)) this.turn();
    else if (frame.type === "send" || frame.type === "retry") this.sending = this.sending.then(() => this.obey(frame));
    else void this.obey(frame);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.turning);
    this.asking.abort();
  }

  /** Until `signal` says that something else is wanted. Raises: `RefusedError`; any other error is a cut connection. */
  protected abstract follow(signal: AbortSignal): Promise<void>;

  protected hear(frame: ServerFrame): void {
    if (this.isClosed) return;
    if (frame.type === "hello" && this.hasGreeted) {
      this.events.onFrame({ type: "heartbeat", at: Date.now() });
      return;
    }
    this.hasGreeted ||= frame.type === "hello";
    const told = this.cursors.take(frame);
    if (told !== null) this.events.onFrame(told);
  }

  protected end(code: number): void {
    if (this.isClosed) return;
    this.close();
    this.events.onClose(code);
  }

  /** Ask anew, once for all that is said in one breath. */
  private turn(): void {
    clearTimeout(this.turning);
    this.turning = setTimeout(() => {
      this.asking.abort();
      this.asking = new AbortController();
      void this.ask(this.asking.signal);
    });
  }

  private async ask(signal: AbortSignal): Promise<void> {
    try {
      await this.follow(signal);
    } catch (error) {
      if (!signal.aborted) this.end(error instanceof RefusedError && error.status === 401 ? SIGNED_OUT : CUT);
    }
  }

  private async obey(frame: ClientFrame): Promise<void> {
    const reply = await carryOut(frame);
    if (reply === null || this.isClosed) return;
    this.events.onFrame(reply);
    if (reply.type !== "accepted") return;
    this.cursors.follow(reply.turn);
    this.turn();
  }
}

export class StreamWire extends HttpWire {
  protected async follow(signal: AbortSignal): Promise<void> {
    const query = this.cursors.query();
    if (this.cursors.isEmpty) query.set("feed", "now"); // a stream of nothing would end, and what buffers it be missed
    const silence = setTimeout(() => {
      if (!signal.aborted) this.end(CUT);
    }, SILENT_MS);
    try {
      for await (const frame of readStream(query, signal)) {
        clearTimeout(silence);
        if (signal.aborted) return;
        this.hear(frame);
      }
    } finally {
      clearTimeout(silence);
    }
    if (!signal.aborted) this.end(GOING_AWAY);
  }
}

export class PollWire extends HttpWire {
  private limit = MOST_EVENTS;
  private failures = 0;
  private isFirst = true;

  protected async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const frames = await this.pollOnce(signal);
      if (signal.aborted) return;
      for (const frame of frames) this.hear(frame);
      if (this.cursors.isEmpty) return;
    }
  }

  /** A network that cuts long answers lets short ones through. */
  private async pollOnce(signal: AbortSignal): Promise<ServerFrame[]> {
    try {
      const frames = await poll(this.cursors.query(), this.isFirst ? 0 : undefined, this.limit, signal);
      this.isFirst = false;
      this.failures = 0;
      this.limit = Math.min(MOST_EVENTS, this.limit * 2);
      return frames;
    } catch (error) {
      if (signal.aborted || error instanceof RefusedError || ++this.failures >= MOST_FAILURES) throw error;
      this.limit = Math.max(FEWEST_EVENTS, Math.floor(this.limit / 8));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      return [];
    }
  }
}
