import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { LinkState } from "@/shared/connection/link-state";
import { Socket } from "@/shared/connection/socket";
import type { ServerFrame } from "@/shared/wire/generated";

class FakeSocket {
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  isClosed = false;
  readonly sent: string[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }

  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const HELLO = { type: "hello", protocol: "quarterdeck.v1", version: "1", user: { id: "u", name: "Ann" }, heartbeat_s: 15 };

let opened: FakeSocket[];
let states: LinkState[];
let frames: ServerFrame[];
let isSignedOut: boolean;
let socket: Socket;

beforeEach(() => {
  vi.useFakeTimers();
  [opened, states, frames, isSignedOut] = [[], [], [], false];
  socket = new Socket(
    "ws://test/chat",
    {
      onOpen: () => undefined,
      onFrame: (frame) => frames.push(frame),
      onLost: () => undefined,
      onState: (state) => states.push(state),
      isSignedOut: () => Promise.resolve(isSignedOut),
    },
    () => {
      const fake = new FakeSocket();
      opened.push(fake);
      return fake as unknown as WebSocket;
    },
  );
  socket.start();
});

afterEach(() => {
  socket.close();
  vi.useRealTimers();
});

const last = () => opened.at(-1) as FakeSocket;

describe("the socket", () => {
  it("is open when the server has said hello, and not before", () => {
    expect(socket.send({ type: "ping", ref: "1" })).toBe(false);
    last().say(HELLO);
    expect(socket.send({ type: "ping", ref: "1" })).toBe(true);
    expect(states).toEqual(["connecting", "open"]);
  });

  it("comes back soon after it was lost", async () => {
    last().say(HELLO);
    last().onclose?.();
    await vi.advanceTimersByTimeAsync(300);
    expect(opened).toHaveLength(2);
  });

  it("takes silence of two heartbeats for a dead connection", async () => {
    last().say(HELLO);
    await vi.advanceTimersByTimeAsync(29_000);
    last().say({ type: "heartbeat", at: 1 });
    await vi.advanceTimersByTimeAsync(29_000);
    expect(opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(opened.length).toBeGreaterThan(1);
    expect(opened[0]?.isClosed).toBe(true);
  });

  it("waits as long as a leaving server asks", async () => {
    last().say(HELLO);
    last().say({ type: "reconnect", after_ms: 1200 });
    await vi.advanceTimersByTimeAsync(1100);
    expect(opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(opened).toHaveLength(2);
  });

  it("does not wait when the network is back", () => {
    last().onclose?.();
    dispatchEvent(new Event("online"));
    expect(opened).toHaveLength(2);
  });

  it("asks whether a connection that is said to be offline still lives", async () => {
    last().say(HELLO);
    dispatchEvent(new Event("offline"));
    expect(last().sent).toEqual([JSON.stringify({ type: "ping", ref: "probe" })]);
    await vi.advanceTimersByTimeAsync(3_100);
    expect(states.at(-1)).not.toBe("open");
  });

  it("stops trying when it turns out that we are signed out", async () => {
    isSignedOut = true;
    last().onclose?.();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(opened).toHaveLength(1);
    expect(states.at(-1)).toBe("signed-out");
  });

  it("passes on what is not its own business", () => {
    last().say(HELLO);
    last().say({ type: "heartbeat", at: 5 });
    expect(frames).toEqual([{ type: "heartbeat", at: 5 }]);
  });
});
