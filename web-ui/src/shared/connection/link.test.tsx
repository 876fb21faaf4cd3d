import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { LinkState } from "@/shared/connection/link-state";
import { Link } from "@/shared/connection/link";
import type { Welcome } from "@/shared/connection/link";
import { openSocketWire } from "@/shared/connection/socket-wire";
import type { Rung, Wire, WireEvents } from "@/shared/connection/wire";
import type { ClientFrame, ServerFrame } from "@/shared/wire/generated";

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
let welcome: Welcome;
let link: Link;
let rungs: Rung[];
let others: FakeRung[];

/** A rung below the socket. */
class FakeRung implements Wire {
  isClosed = false;
  readonly sent: ClientFrame[] = [];

  constructor(
    readonly rung: Rung,
    readonly events: WireEvents,
  ) {
    others.push(this);
  }

  send(frame: ClientFrame): void {
    this.sent.push(frame);
  }

  close(): void {
    this.isClosed = true;
  }

  greet(): void {
    this.events.onFrame(HELLO as ServerFrame);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  [opened, states, frames, rungs, others] = [[], [], [], [], []];
  welcome = "away";
  link = newLink();
  link.start();
});

function newLink(): Link {
  return new Link(
    {
      socket: (events) =>
        openSocketWire("ws://test/chat", events, () => {
          const fake = new FakeSocket();
          opened.push(fake);
          return fake as unknown as WebSocket;
        }),
      stream: (events) => new FakeRung("stream", events),
      poll: (events) => new FakeRung("poll", events),
    },
    {
      onOpen: () => undefined,
      onFrame: (frame) => frames.push(frame),
      onLost: () => undefined,
      onState: (state, rung) => {
        states.push(state);
        if (state === "open") rungs.push(rung);
      },
      ask: () => Promise.resolve(welcome),
    },
  );
}

afterEach(() => {
  link.close();
  vi.useRealTimers();
});

const last = () => opened.at(-1) as FakeSocket;

describe("the link", () => {
  it("is open when the server has said hello, and not before", () => {
    expect(link.send({ type: "ping", ref: "1" })).toBe(false);
    last().say(HELLO);
    expect(link.send({ type: "ping", ref: "1" })).toBe(true);
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
    welcome = "signed-out";
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

const lastBelow = () => others.at(-1) as FakeRung;

/** The network refuses upgrades, and the server answers plain requests. */
async function refuseSockets(): Promise<void> {
  welcome = "welcome";
  for (let tries = 0; tries < 2; tries++) {
    last().onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(1_000);
  }
}

describe("the ladder", () => {
  it("falls to the stream when sockets are refused by a network that lets requests through", async () => {
    await refuseSockets();
    expect(opened).toHaveLength(2);
    lastBelow().greet();
    expect(rungs).toEqual(["stream"]);
    expect(link.send({ type: "ping", ref: "1" })).toBe(true);
    expect(lastBelow().sent).toHaveLength(1);
  });

  it("stays where it is while the server is away", async () => {
    for (let tries = 0; tries < 5; tries++) {
      last().onclose?.({ code: 1006 });
      await vi.advanceTimersByTimeAsync(3_500);
    }
    expect(others).toEqual([]);
  });

  it("falls to polling when the stream is silent, without a second try", async () => {
    await refuseSockets();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(others.map(({ rung, isClosed }) => [rung, isClosed])).toEqual([["stream", true], ["poll", false]]);
    lastBelow().greet();
    expect(rungs).toEqual(["poll"]);
  });

  it("does not blame the way for a connection that has held and was cut", async () => {
    welcome = "welcome";
    for (let tries = 0; tries < 4; tries++) {
      last().say(HELLO);
      await vi.advanceTimersByTimeAsync(10_000);
      last().onclose?.({ code: 1006 });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(others).toEqual([]);
  });

  it("blames it for connections that end as soon as they are open", async () => {
    welcome = "welcome";
    for (let tries = 0; tries < 2; tries++) {
      last().say(HELLO);
      last().onclose?.({ code: 1006 });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(others).toHaveLength(1);
  });

  it("climbs again when a socket gets through, and only then leaves the stream", async () => {
    await refuseSockets();
    const stream = lastBelow();
    stream.greet();
    await vi.advanceTimersByTimeAsync(20_500);
    expect(opened).toHaveLength(3);
    expect(stream.isClosed).toBe(false);
    last().say(HELLO);
    expect(stream.isClosed).toBe(true);
    expect(rungs).toEqual(["stream", "socket"]);
    last().say({ type: "heartbeat", at: 7 });
    expect(frames).toEqual([{ type: "heartbeat", at: 7 }]);
  });

  it("tries the rungs above one after the other, and less and less often", async () => {
    await refuseSockets();
    await vi.advanceTimersByTimeAsync(6_000);
    const polling = lastBelow();
    polling.greet();
    const beat = setInterval(() => polling.events.onFrame({ type: "heartbeat", at: 1 }), 10_000);
    await vi.advanceTimersByTimeAsync(20_500);
    last().onclose?.({ code: 1006 });
    expect(lastBelow().rung).toBe("stream");
    await vi.advanceTimersByTimeAsync(5_500);
    expect(lastBelow().isClosed).toBe(true);
    expect(polling.isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(opened).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(opened).toHaveLength(4);
    clearInterval(beat);
  });

  it("tries at once when the browser says that the network has changed", async () => {
    await refuseSockets();
    lastBelow().greet();
    dispatchEvent(new Event("online"));
    expect(opened).toHaveLength(3);
  });

  it("begins after a reload where the tab stood", async () => {
    await refuseSockets();
    link.close();
    link = newLink();
    link.start();
    expect(lastBelow().rung).toBe("stream");
    expect(opened).toHaveLength(2);
  });
});
