import type { LinkHandlers } from "@/shared/connection/link";
import type { Connection } from "@/shared/connection/session";
import type { ClientFrame, Event, ServerFrame } from "@/shared/wire/generated";

/** The server's end of the session's connection, in the test's hands. */
export class FakeWire implements Connection {
  readonly sent: ClientFrame[] = [];
  isOpen = false;

  constructor(private readonly handlers: LinkHandlers) {}

  start(): void {
    this.open();
  }

  close(): void {
    this.isOpen = false;
  }

  wake(): void {
    this.open();
  }

  send(frame: ClientFrame): boolean {
    if (this.isOpen) this.sent.push(frame);
    return this.isOpen;
  }

  open(): void {
    this.isOpen = true;
    this.handlers.onState("open", "socket");
    this.handlers.onOpen();
  }

  lose(): void {
    this.isOpen = false;
    this.handlers.onLost();
    this.handlers.onState("waiting", "socket");
  }

  say(frame: ServerFrame): void {
    this.handlers.onFrame(frame);
  }

  /** Events of a turn, numbered from `seq`. */
  tell(turn: string, seq: number, ...events: Event[]): void {
    events.forEach((event, index) => this.say({ type: "event", turn, seq: seq + index, event }));
  }

  take<Type extends ClientFrame["type"]>(type: Type): Extract<ClientFrame, { type: Type }>[] {
    const found = this.sent.filter((frame) => frame.type === type);
    return found as Extract<ClientFrame, { type: Type }>[];
  }
}
