import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { useAliases } from "@/shared/connection/aliases";
import { findTurn, useFollowed } from "@/shared/connection/live-turns";
import { reloadOutbox, useOutbox } from "@/shared/connection/outbox";
import { useRunning } from "@/shared/connection/running";
import { Session } from "@/shared/connection/session";
import type { LinkHandlers } from "@/shared/connection/link";
import { keys } from "@/shared/data/keys";
import { allMessages } from "@/shared/data/message-cache";
import type { LoadedMessages } from "@/shared/data/message-cache";
import { FakeWire } from "@/shared/testing/fake-wire";
import type { AcceptedFrame, Event } from "@/shared/wire/generated";
import type { Message } from "@/shared/wire/resources";

const STARTED: Event = {
  type: "turn.started",
  turn: "t1",
  conversation: "c1",
  message: "m2",
  request: "m1",
  model: "openai/gpt-5-mini",
  at: 1000,
};
const PART: Event = { type: "part.started", part: 0, kind: "text" };
const ENDED: Event = { type: "turn.ended", status: "complete", at: 2000 };
const delta = (text: string): Event => ({ type: "text.delta", part: 0, text });

const ACCEPTED: AcceptedFrame = {
  type: "accepted",
  ref: "",
  id: "",
  conversation: "c1",
  turn: "t1",
  message: "m1",
  answer: "m2",
  model: "fake/talker",
  at: 1,
};

let client: QueryClient;
let wire: FakeWire;
let session: Session;

beforeEach(() => {
  useFollowed.setState({ turns: {} });
  useOutbox.setState({ entries: [] });
  useAliases.setState({}, true);
  client = new QueryClient();
  session = new Session({
    client,
    openLink: (handlers) => (wire = new FakeWire(handlers)),
    ask: () => Promise.resolve("welcome"),
  });
});

function begin(): AcceptedFrame {
  session.start();
  session.send({ conversation: "made-up", begins: true, text: "Good morning" });
  const { ref, id } = wire.take("send")[0] ?? { ref: "", id: "" };
  return { ...ACCEPTED, ref, id };
}

function stored(): Message[] {
  return allMessages(client.getQueryData<LoadedMessages>(keys.messages("c1")));
}

const shownText = () => findTurn("t1")?.fold.drafts.map((draft) => draft.text).join("|");

describe("sending", () => {
  it("shows the message and its answer as soon as they are accepted", () => {
    wire.say(begin());
    expect(stored().map(({ id, role, status }) => [id, role, status])).toEqual([
      ["m1", "user", "complete"],
      ["m2", "assistant", "running"],
    ]);
    expect(useAliases.getState()["made-up"]).toBe("c1");
    expect(useOutbox.getState().entries).toEqual([]);
    expect(localStorage.length).toBe(0);
  });

  it("keeps what is sent without a connection and sends it with the same id when it is back", () => {
    session.send({ conversation: "c1", begins: false, text: "Are you there?" });
    expect(wire.sent).toEqual([]);
    const kept = useOutbox.getState().entries[0];
    wire.open();
    wire.lose();
    wire.open();
    expect(wire.take("send").map((frame) => frame.id)).toEqual([kept?.id, kept?.id]);
  });

  it("finds the kept message again after a reload of the page", () => {
    session.send({ conversation: "c1", begins: false, text: "Are you there?" });
    useOutbox.setState({ entries: [] });
    reloadOutbox();
    expect(useOutbox.getState().entries).toMatchObject([{ kind: "send", text: "Are you there?" }]);
  });

  it("keeps a refused message with the reason and does not send it again by itself", () => {
    const { ref } = begin();
    wire.say({ type: "error", ref, code: "bad_input", message: "There is no such model.", retryable: false });
    wire.lose();
    wire.open();
    expect(useOutbox.getState().entries[0]?.problem).toEqual({ code: "bad_input", message: "There is no such model." });
    expect(wire.take("send")).toHaveLength(1);
  });

  it.each(["overloaded", "storage"])("sends again with the same id what the server had no room for (%s)", async (code) => {
    const { ref, id } = begin();
    wire.say({ type: "error", ref, code, message: "The server is busy.", retryable: true, retry_after_s: 0.05 });
    expect(useOutbox.getState().entries).toMatchObject([{ id, problem: null, isDelayed: true }]);
    await expect.poll(() => wire.take("send").length, { timeout: 2_000 }).toBe(2);
    const again = wire.take("send")[1];
    expect(again).toMatchObject({ id, text: "Good morning" });
    wire.say({ ...ACCEPTED, ref: again?.ref ?? "", id });
    expect(useOutbox.getState().entries).toEqual([]);
    expect(stored()).toHaveLength(2);
  });

  it("sends once what waited for the server when the connection is lost meanwhile", async () => {
    vi.useFakeTimers();
    const { ref } = begin();
    wire.say({ type: "error", ref, code: "storage", message: "The database is away.", retryable: true });
    wire.lose();
    wire.open();
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect(wire.take("send")).toHaveLength(2);
  });

  it("finds what waited for the server again after a reload of the page", () => {
    const { ref, id } = begin();
    wire.say({ type: "error", ref, code: "overloaded", message: "Busy.", retryable: true });
    reloadOutbox();
    session.close();
    session.start();
    expect(wire.take("send").at(-1)).toMatchObject({ id });
  });

  it("asks the user about a limit", () => {
    const { ref } = begin();
    wire.say({ type: "error", ref, code: "limit", message: "Too many answers at once.", retryable: true });
    expect(useOutbox.getState().entries[0]?.problem?.code).toBe("limit");
  });

  it("accepts the same message twice without showing it twice", () => {
    const accepted = begin();
    wire.say(accepted);
    wire.say(accepted);
    expect(stored()).toHaveLength(2);
  });
});

describe("following", () => {
  it("applies each event once, whatever is repeated", () => {
    wire.say(begin());
    wire.tell("t1", 1, STARTED, PART, delta("Hel"), delta("lo"));
    wire.tell("t1", 2, PART, delta("Hel"), delta("lo"), delta("!"));
    expect(shownText()).toBe("Hello!");
  });

  it("asks again from the last event when one is missing, and only once", () => {
    wire.say(begin());
    wire.tell("t1", 1, STARTED, PART, delta("a"));
    wire.tell("t1", 5, delta("c"), delta("d"));
    expect(wire.take("follow").map((frame) => frame.after)).toEqual([3]);
    wire.say({ type: "following", ref: "", turn: "t1", after: 3 });
    wire.tell("t1", 4, delta("b"), delta("c"), delta("d"));
    expect(shownText()).toBe("abcd");
  });

  it("goes on after a lost connection from where each turn stands", () => {
    wire.say(begin());
    wire.tell("t1", 1, STARTED, PART, delta("a"));
    wire.lose();
    wire.open();
    expect(wire.take("follow").at(-1)).toMatchObject({ turn: "t1", after: 3 });
  });

  it("follows from the beginning what was running when the page was loaded", () => {
    session.start();
    session.followRunning([message({ status: "running" }), message({ id: "m0", turn: "t0" })]);
    expect(wire.take("follow")).toMatchObject([{ turn: "t1", after: 0 }]);
    session.followRunning([message({ status: "running" })]);
    expect(wire.take("follow")).toHaveLength(1);
  });

  it("stores the folded answer when the turn has ended", () => {
    wire.say(begin());
    wire.tell("t1", 1, STARTED, PART, delta("Hello"), { type: "turn.continued", at: 1500 }, ENDED);
    expect(stored()[1]).toMatchObject({
      status: "complete",
      parts: [{ kind: "text", text: "Hello" }],
      continuations: [{ part: 0, offset: 5, at: 1500 }],
      ended_at: 2000,
    });
    expect(findTurn("t1")).toBeUndefined();
  });

  it("follows again what could not be followed just now, and keeps its picture", async () => {
    wire.say(begin());
    wire.tell("t1", 1, STARTED, PART, delta("Hello"));
    wire.lose();
    wire.open();
    const { ref } = wire.take("follow").at(-1) ?? { ref: "" };
    wire.say({ type: "error", ref, code: "storage", message: "The database is away.", retryable: true });
    await expect.poll(() => wire.take("follow").length, { timeout: 2_000 }).toBe(2);
    expect(wire.take("follow").map((frame) => frame.after)).toEqual([3, 3]);
    expect(shownText()).toBe("Hello");
  });

  it("keeps the picture when the log is gone until the messages are loaded", async () => {
    wire.say(begin());
    wire.tell("t1", 1, STARTED, PART, delta("Hello"));
    wire.say({ type: "resync", ref: "", turn: "t1", reason: "expired" });
    expect(shownText()).toBe("Hello");
    await expect.poll(() => wire.take("follow").at(-1)).toMatchObject({ turn: "t1", after: 0 });
  });
});

describe("a conversation that is being answered", () => {
  it("is marked until the last of its turns has ended", () => {
    wire.say(begin());
    wire.say({ ...sendAnother(), turn: "t2", message: "m3", answer: "m4" });
    expect(stored().at(-1)?.status).toBe("queued");
    wire.tell("t1", 1, STARTED, PART, delta("Hello"), ENDED);
    expect(useRunning.getState()["c1"]).toBe("t2");
    wire.tell("t2", 1, { ...STARTED, turn: "t2", message: "m4" } as Event, ENDED);
    expect(useRunning.getState()["c1"]).toBeNull();
  });
});

function sendAnother(): AcceptedFrame {
  const accepted = begin();
  return { ...accepted, id: useOutbox.getState().entries.at(-1)?.id ?? "", ref: "" };
}

describe("the feed", () => {
  it("goes on from the last pointer after a lost connection", () => {
    session.start();
    wire.say({ type: "following", ref: "feed:", feed: true, after: 7 });
    wire.say({ type: "feed", seq: 8, event: { type: "models.changed" } });
    wire.lose();
    wire.open();
    expect(wire.take("feed").map((frame) => frame.after)).toEqual([undefined, 8]);
  });

  it("begins where the index left off, so that nothing is missed between the two", () => {
    const parts = { client, openLink: (handlers: LinkHandlers) => (wire = new FakeWire(handlers)) };
    new Session({ ...parts, ask: () => Promise.resolve("welcome"), feedAfter: 4 }).start();
    expect(wire.take("feed").map((frame) => frame.after)).toEqual([4]);
  });

  it("begins anew and loads everything again when the place where the index left off is gone", async () => {
    await client.prefetchQuery({ queryKey: keys.conversations(), queryFn: () => [] });
    const parts = { client, openLink: (handlers: LinkHandlers) => (wire = new FakeWire(handlers)) };
    new Session({ ...parts, ask: () => Promise.resolve("welcome"), feedAfter: 4 }).start();
    wire.say({ type: "resync", ref: "feed:", feed: true, reason: "expired" });
    expect(wire.take("feed").map((frame) => frame.after)).toEqual([4, undefined]);
    expect(client.getQueryState(keys.conversations())?.isInvalidated).toBe(true);
  });

  it("loads a list again when something changed while it was loaded for the first time", async () => {
    const answers: ((titles: string[]) => void)[] = [];
    const list = new QueryObserver<string[]>(client, {
      queryKey: keys.conversations(),
      queryFn: () => new Promise((resolve) => answers.push(resolve)),
    });
    const stop = list.subscribe(() => undefined);
    session.start();
    for (const seq of [1, 2, 3]) {
      wire.say({ type: "feed", seq, event: { type: "conversation.changed", conversation: "c1" } });
    }
    answers[0]?.(["before"]);
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.(["after"]);
    await expect.poll(() => list.getCurrentResult().data).toEqual(["after"]);
    stop();
  });

  it("loads the messages of a conversation in which another tab asked something", async () => {
    let loads = 0;
    const queryKey = keys.messages("c1");
    await client.prefetchQuery({ queryKey, queryFn: () => ++loads });
    session.start();
    wire.say({ type: "feed", seq: 1, event: { type: "turn.running", conversation: "c1", turn: "t9" } });
    expect(client.getQueryState(queryKey)?.isInvalidated).toBe(true);
  });
});

function message(change: Partial<Message>): Message {
  return {
    id: "m2",
    conversation: "c1",
    parent: null,
    role: "assistant",
    status: "complete",
    parts: [],
    model: "",
    created_at: 0,
    ended_at: null,
    turn: "t1",
    ...change,
  };
}
