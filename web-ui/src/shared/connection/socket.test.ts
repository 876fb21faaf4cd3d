import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { LinkState } from "@/shared/connection/link-state";
import { Socket } from "@/shared/connection/socket";
import type { ServerFrame } from "@/shared/wire/generated";

class FakeSocket {
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
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
    last().onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(500);
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

  it.each([
    [0, 500],
    [0.5, 750],
    [1, 1000],
  ])("comes back to a leaving server at a moment of its own (%f)", async (chance, waitMs) => {
    vi.spyOn(Math, "random").mockReturnValue(chance);
    last().say(HELLO);
    last().say({ type: "reconnect", after_ms: 500 });
    await vi.advanceTimersByTimeAsync(waitMs - 1);
    expect(opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(opened).toHaveLength(2);
    vi.restoreAllMocks();
  });

  it.each([0, 0.5, 1])("is there again within 3 s of a restart that takes 1.5 s (%f)", async (chance) => {
    vi.spyOn(Math, "random").mockReturnValue(chance);
    last().say(HELLO);
    last().onclose?.({ code: 1006 });
    for (let elapsed = 0; elapsed < 1_500; elapsed += 50) {
      await vi.advanceTimersByTimeAsync(50);
      if (opened.at(-1)?.onclose) last().onclose?.({ code: 1006 });
    }
    const tries = opened.length;
    await vi.advanceTimersByTimeAsync(1_500);
    expect(opened.length).toBeGreaterThan(tries);
    vi.restoreAllMocks();
  });

  it("does not wait when the network is back", () => {
    last().onclose?.({ code: 1006 });
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

  it("does not take what was still on its way for an answer to that question", async () => {
    last().say(HELLO);
    dispatchEvent(new Event("offline"));
    last().say({ type: "heartbeat", at: 1 });
    await vi.advanceTimersByTimeAsync(3_100);
    expect(states.at(-1)).not.toBe("open");
  });

  it("stays when the question is answered", async () => {
    last().say(HELLO);
    dispatchEvent(new Event("offline"));
    last().say({ type: "pong", ref: "probe" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(states.at(-1)).toBe("open");
  });

  it("stops trying when it turns out that we are signed out", async () => {
    isSignedOut = true;
    last().onclose?.({ code: 1006 });
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
