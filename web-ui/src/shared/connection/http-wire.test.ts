import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { PollWire, StreamWire } from "@/shared/connection/http-wire";
import type { Wire } from "@/shared/connection/wire";
import type { ServerFrame } from "@/shared/wire/generated";

interface Asked {
  path: string;
  query: URLSearchParams;
  method: string;
  body: unknown;
  signal: AbortSignal | undefined;
  answer(frames: ServerFrame[]): void;
  refuse(status: number, problem: object): void;
  accept(): void;
  fail(): void;
  stream: ReadableStreamDefaultController<Uint8Array>;
  openStream(): void;
}

const HELLO: ServerFrame = {
  type: "hello",
  protocol: "quarterdeck.v1",
  version: "1",
  user: { id: "u", name: "Ann" },
  heartbeat_s: 15,
};
const ACCEPTED = { conversation: "c", turn: "t1", message: "m1", answer: "m2", model: "fake/x", created_at: 9 };
const event = (turn: string, seq: number): ServerFrame => ({
  type: "event",
  turn,
  seq,
  event: { type: "text.delta", part: 0, text: "x" },
});

let asked: Asked[];
let heard: ServerFrame[];
let closed: number[];
let wire: Wire;
const events = { onFrame: (frame: ServerFrame) => heard.push(frame), onClose: (code: number) => closed.push(code) };

beforeEach(() => {
  vi.useFakeTimers();
  [asked, heard, closed] = [[], [], []];
  vi.stubGlobal("fetch", (address: string, options: RequestInit = {}) => remember(address, options));
});

afterEach(() => {
  wire.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function remember(address: string, options: RequestInit): Promise<Response> {
  const url = new URL(address, "http://test");
  return new Promise<Response>((resolve, reject) => {
    options.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    const one: Asked = {
      path: url.pathname,
      query: url.searchParams,
      method: options.method ?? "GET",
      body: typeof options.body === "string" ? JSON.parse(options.body) : undefined,
      signal: options.signal ?? undefined,
      answer: (frames) => resolve(Response.json({ items: frames })),
      refuse: (status, problem) => resolve(Response.json(problem, { status })),
      accept: () => resolve(new Response(null, { status: 202 })),
      fail: () => reject(new TypeError("Failed to fetch")),
      stream: undefined as unknown as Asked["stream"],
      openStream: () => {
        resolve(new Response(new ReadableStream<Uint8Array>({ start: (controller) => void (one.stream = controller) })));
      },
    };
    asked.push(one);
  });
}

const settle = () => vi.advanceTimersByTimeAsync(1);
const lastAsked = () => asked.at(-1) as Asked;

async function greetPoll(): Promise<void> {
  wire = new PollWire(events);
  await settle();
  lastAsked().answer([HELLO]);
  await settle();
}

describe("polling", () => {
  it("asks at once for hello, and then waits for what comes after each cursor", async () => {
    await greetPoll();
    expect(asked[0]?.query.get("wait")).toBe("0");
    wire.send({ type: "feed", ref: "feed:" });
    wire.send({ type: "follow", ref: "follow:t1:1", turn: "t1", after: 4 });
    await settle();
    const { query } = lastAsked();
    expect([query.get("feed"), query.getAll("turn"), query.get("wait")]).toEqual(["now", ["t1:4"], "20"]);
    lastAsked().answer([
      HELLO,
      { type: "following", ref: "feed", feed: true, after: 70 },
      { type: "following", ref: "t1", turn: "t1", after: 4 },
      event("t1", 5),
      event("t1", 6),
    ]);
    await settle();
    expect([lastAsked().query.get("feed"), lastAsked().query.getAll("turn")]).toEqual(["70", ["t1:6"]]);
    expect(heard.filter(({ type }) => type === "following")).toEqual([
      { type: "following", ref: "feed:", feed: true, after: 70 },
      { type: "following", ref: "follow:t1:1", turn: "t1", after: 4 },
    ]);
    expect(heard.filter(({ type }) => type === "event")).toHaveLength(2);
  });

  it("does not ask again for a turn that has ended or cannot be followed", async () => {
    await greetPoll();
    wire.send({ type: "feed", after: 1 });
    wire.send({ type: "follow", turn: "t1" });
    wire.send({ type: "follow", ref: "follow:t2:9", turn: "t2", after: 8 });
    await settle();
    lastAsked().answer([
      { type: "event", turn: "t1", seq: 1, event: { type: "turn.ended", status: "complete", at: 1 } },
      { type: "resync", ref: "t2", turn: "t2", reason: "expired" },
    ]);
    await settle();
    expect(lastAsked().query.getAll("turn")).toEqual([]);
    expect(heard.at(-1)).toEqual({ type: "resync", ref: "follow:t2:9", turn: "t2", reason: "expired" });
  });

  it("asks for less when answers are cut, and gives up when none gets through", async () => {
    await greetPoll();
    wire.send({ type: "feed", after: 1 });
    await settle();
    lastAsked().fail();
    await vi.advanceTimersByTimeAsync(300);
    expect(Number(lastAsked().query.get("limit"))).toBeLessThan(100);
    for (let times = 0; times < 3; times++) {
      lastAsked().fail();
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(closed).toEqual([1006]);
  });

  it("says when the server knows us no more", async () => {
    wire = new PollWire(events);
    await settle();
    lastAsked().refuse(401, {});
    await settle();
    expect(closed).toEqual([1008]);
  });
});

describe("what is asked beside following", () => {
  it("sends a message by a request, and follows its turn from the beginning", async () => {
    await greetPoll();
    wire.send({ type: "send", ref: "post:k:1", id: "k", conversation: "new", text: "Hi" });
    await settle();
    expect(lastAsked()).toMatchObject({ path: "/api/messages", body: { id: "k", conversation: "new", text: "Hi" } });
    const posted = lastAsked();
    posted.refuse(202, ACCEPTED);
    await settle();
    const { created_at: at, ...rest } = ACCEPTED;
    expect(heard.at(-1)).toEqual({ type: "accepted", ref: "post:k:1", id: "k", at, ...rest });
    await settle();
    expect(lastAsked().query.getAll("turn")).toEqual(["t1:0"]);
  });

  it("settles a tool call that waits for it", async () => {
    await greetPoll();
    wire.send({ type: "approve", ref: "a", turn: "t1", call: "k1", digest: "d", decision: "declined" });
    await settle();
    expect(lastAsked()).toMatchObject({ path: "/api/turns/t1/approvals/k1", body: { digest: "d", decision: "declined" } });
    lastAsked().accept();
    await settle();
    expect(heard.at(-1)).toEqual({ type: "settling", ref: "a", turn: "t1", call: "k1" });
  });

  it("keeps the order of messages", async () => {
    await greetPoll();
    for (const id of ["k1", "k2"]) wire.send({ type: "send", id, conversation: "c", text: "Hi" });
    await settle();
    const posts = () => asked.filter(({ method }) => method === "POST").map(({ body }) => (body as { id: string }).id);
    expect(posts()).toEqual(["k1"]);
    lastAsked().refuse(202, ACCEPTED);
    await settle();
    expect(posts()).toEqual(["k1", "k2"]);
  });

  it("tells a refusal with its code, and a lost request as one to be sent again", async () => {
    await greetPoll();
    wire.send({ type: "send", ref: "a", id: "k1", conversation: "c", text: "" });
    await settle();
    lastAsked().refuse(422, { code: "bad_input", detail: "Empty." });
    await settle();
    expect(heard.at(-1)).toMatchObject({ type: "error", ref: "a", code: "bad_input", message: "Empty.", retryable: false });
    wire.send({ type: "retry", ref: "b", id: "k2", message: "m1" });
    await settle();
    expect(lastAsked().path).toBe("/api/messages/m1/retry");
    lastAsked().fail();
    await settle();
    expect(heard.at(-1)).toMatchObject({ type: "error", ref: "b", retryable: true });
  });
});

describe("the stream", () => {
  const bytes = (frame: ServerFrame) => new TextEncoder().encode(`data: ${JSON.stringify(frame)}\n\n`);

  async function greetStream(): Promise<void> {
    wire = new StreamWire(events);
    await settle();
    lastAsked().openStream();
    lastAsked().stream.enqueue(bytes(HELLO));
    await settle();
  }

  it("reads frames that come in any pieces", async () => {
    await greetStream();
    wire.send({ type: "follow", turn: "t1", after: 1 });
    await settle();
    expect(asked[0]?.signal?.aborted).toBe(true);
    lastAsked().openStream();
    for (const byte of [...bytes(event("t1", 2)), ...bytes(event("t1", 3))]) lastAsked().stream.enqueue(Uint8Array.of(byte));
    await settle();
    expect(heard.filter(({ type }) => type === "event")).toEqual([event("t1", 2), event("t1", 3)]);
  });

  it("takes a stream that opens and says nothing for one that is held back", async () => {
    wire = new StreamWire(events);
    await settle();
    expect(lastAsked().query.get("feed")).toBe("now");
    lastAsked().openStream();
    await vi.advanceTimersByTimeAsync(5_100);
    expect(closed).toEqual([1006]);
    expect(asked[0]?.signal?.aborted).toBe(true);
  });

  it("is closed when the server ends it", async () => {
    await greetStream();
    lastAsked().stream.close();
    await settle();
    expect(closed).toEqual([1012]);
  });
});
