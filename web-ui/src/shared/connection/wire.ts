/** A way to the server and back: frames out, frames in, `hello` first. What they mean is for the session. */
import type { ClientFrame, ServerFrame } from "@/shared/wire/generated";

/** From the fastest down: one socket, one stream of server-sent events with plain requests beside it, polling. */
export const RUNGS = ["socket", "stream", "poll"] as const;
export type Rung = (typeof RUNGS)[number];

/** The close code of a connection whose session or account has ended. */
export const SIGNED_OUT = 1008;

export interface WireEvents {
  onFrame(frame: ServerFrame): void;
  /** Once, and nothing after it; `code` as a WebSocket's. */
  onClose(code: number): void;
}

export interface Wire {
  send(frame: ClientFrame): void;
  /** Without `onClose`. */
  close(): void;
}

export type WireOpener = (events: WireEvents) => Wire;
export type WireOpeners = Record<Rung, WireOpener>;
