/**
 * The page's side of the connection: sends what is in the outbox, follows running turns from where each
 * one stands, and keeps the query cache in step with what comes.
 */
import type { QueryClient } from "@tanstack/react-query";

import { FeedReader } from "@/shared/connection/feed-reader";
import { newId } from "@/shared/connection/ids";
import type { LinkHandlers, Welcome } from "@/shared/connection/link";
import { setLinkState } from "@/shared/connection/link-state";
import type { LiveTurn } from "@/shared/connection/live-turn";
import { addTurn, findTurn, followedTurns, removeTurn } from "@/shared/connection/live-turns";
import { setAlias } from "@/shared/connection/aliases";
import type { OutboxEntry, RetryEntry, SendEntry } from "@/shared/connection/outbox";
import { delayEntry, frameOf, putEntry, refuseEntry, removeEntry, useOutbox } from "@/shared/connection/outbox";
import { Painter } from "@/shared/connection/painter";
import { Retries } from "@/shared/connection/retries";
import { markEnded, markRunning } from "@/shared/connection/running";
import { keys } from "@/shared/data/keys";
import { addExchange, replaceAnswer, settleAnswer } from "@/shared/data/message-cache";
import { PROTOCOL } from "@/shared/wire/generated";
import type {
  AcceptedFrame,
  ClientFrame,
  ErrorFrame,
  Event,
  ResyncFrame,
  ServerFrame,
} from "@/shared/wire/generated";
import type { Message } from "@/shared/wire/resources";

/** What the session needs of a connection. */
export interface Connection {
  start(): void;
  close(): void;
  wake(): void;
  send(frame: ClientFrame): boolean;
}

interface SessionParts {
  client: QueryClient;
  openLink(handlers: LinkHandlers): Connection;
  ask(): Promise<Welcome>;
  /** The last pointer of the feed before this page loaded anything. */
  feedAfter?: number | null;
}

export class Session {
  readonly protocol = PROTOCOL;
  private readonly link: Connection;
  private readonly client: QueryClient;
  private readonly painter = new Painter((turn) => this.settle(turn));
  private readonly feed: FeedReader;
  private readonly retries = new Retries();
  private refs = 0;

  constructor({ client, openLink, ask, feedAfter = null }: SessionParts) {
    this.client = client;
    this.feed = new FeedReader(client, (frame) => this.link.send(frame), feedAfter);
    this.link = openLink({
      onOpen: () => this.resume(),
      onFrame: (frame) => this.receive(frame),
      onLost: () => this.pause(),
      onState: setLinkState,
      ask,
    });
  }

  start(): void {
    this.link.start();
  }

  close(): void {
    this.painter.close();
    this.retries.clear();
    this.link.close();
  }

  /** Try to connect now. */
  wake(): void {
    this.link.wake();
  }

  send(message: Omit<SendEntry, "kind" | "id" | "at" | "problem">): void {
    this.post({ ...message, kind: "send", id: newId(), at: Date.now(), problem: null });
  }

  /** Answer anew what the answer `message` answered. */
  retry(answer: Pick<RetryEntry, "message" | "conversation" | "model" | "temperature">): void {
    this.post({ ...answer, kind: "retry", id: newId(), at: Date.now(), problem: null });
  }

  post(entry: OutboxEntry): void {
    putEntry(entry);
    this.transmit(entry);
  }

  /** False when there is no connection to say it over. */
  stop(turnId: string): boolean {
    if (!this.link.send({ type: "stop", ref: this.nextRef("stop", turnId), turn: turnId })) return false;
    const turn = findTurn(turnId);
    turn?.stop();
    if (turn) this.painter.add(turn);
    return true;
  }

  /** Messages were loaded: follow those that are still being written. */
  followRunning(messages: Message[]): void {
    for (const { turn, status, conversation } of messages) {
      const isRunning = status === "running" || status === "queued";
      if (turn !== null && isRunning && !findTurn(turn)) this.follow(addTurn(turn, conversation, true));
    }
  }

  private resume(): void {
    this.feed.resume();
    for (const turn of followedTurns()) this.follow(turn);
    for (const entry of useOutbox.getState().entries) if (entry.problem === null) this.transmit(entry);
  }

  private pause(): void {
    this.retries.clear();
    for (const turn of followedTurns()) turn.isFollowing = false;
  }

  private transmit(entry: OutboxEntry): void {
    this.link.send(frameOf(entry, this.nextRef("post", entry.id)));
  }

  private follow(turn: LiveTurn): void {
    const { id, seq } = turn;
    turn.isFollowing = this.link.send({ type: "follow", ref: this.nextRef("follow", id), turn: id, after: seq });
  }

  private receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "event":
        this.hear(frame.turn, frame.seq, frame.event);
        break;
      case "feed":
        this.feed.hear(frame.seq, frame.event);
        break;
      case "accepted":
        this.accept(frame);
        break;
      case "following":
        if (frame.feed) this.feed.begin(frame.after);
        else this.acknowledgeFollowing(frame.turn);
        break;
      case "resync":
        this.resync(frame);
        break;
      case "error":
        this.refuse(frame);
        break;
      default:
        break; // heartbeat, pong, stopping, unfollowed: hearing them was enough
    }
  }

  private hear(turnId: string, seq: number, event: Event): void {
    const turn = findTurn(turnId);
    if (!turn) return;
    const heard = turn.hear(seq, event);
    if (heard === "new") this.painter.add(turn);
    else if (heard === "hole" && !turn.isFollowing) this.follow(turn);
  }

  private acknowledgeFollowing(turnId: string | undefined): void {
    const turn = turnId === undefined ? undefined : findTurn(turnId);
    if (!turn) return;
    turn.isFollowing = false;
    this.retries.forget(turn.id);
  }

  private accept(frame: AcceptedFrame): void {
    this.retries.forget(frame.id);
    const entry = useOutbox.getState().entries.find((candidate) => candidate.id === frame.id);
    if (entry && entry.conversation !== frame.conversation) setAlias(entry.conversation, frame.conversation);
    if (!findTurn(frame.turn)) addTurn(frame.turn, frame.conversation, false).message = frame.answer;
    markRunning(frame.conversation, frame.turn);
    if (entry?.kind === "send") addExchange(this.client, entry, frame);
    if (entry?.kind === "retry") replaceAnswer(this.client, entry.message, frame);
    removeEntry(frame.id);
    void this.client.invalidateQueries({ queryKey: keys.allConversations });
  }

  /** The log is gone: keep the picture until the messages are here. */
  private resync({ turn: turnId, ref }: ResyncFrame): void {
    if (turnId === undefined) {
      if (ref?.startsWith("feed:")) this.feed.restart();
      return;
    }
    const conversation = findTurn(turnId)?.conversation;
    const reload = conversation === undefined ? keys.allMessages : keys.messages(conversation);
    void this.client.invalidateQueries({ queryKey: reload }).finally(() => {
      const before = findTurn(turnId);
      if (!before) return;
      this.painter.forget(before);
      removeTurn(turnId);
      const loaded = this.client.getQueryData<{ pages: { items: Message[] }[] }>(reload);
      this.followRunning(loaded?.pages.flatMap((page) => page.items) ?? []);
    });
  }

  private refuse(frame: ErrorFrame): void {
    const [verb, id = ""] = (frame.ref ?? "").split(":", 3);
    const leastMs = (frame.retry_after_s ?? 0) * 1000;
    if (verb === "post") {
      if (isPassing(frame)) this.sendLater(id, leastMs);
      else refuseEntry(id, { code: frame.code, message: frame.message });
    } else if (verb === "follow") {
      if (isPassing(frame)) this.retries.postpone(id, leastMs, () => this.followAgain(id));
      else this.resync({ type: "resync", turn: id, reason: "unknown" });
    } else if (verb === "feed" && isPassing(frame)) {
      this.retries.postpone("feed", leastMs, () => this.feed.resume());
    }
  }

  /** The server took nothing and said so: the same words with the same id, until it does. */
  private sendLater(id: string, leastMs: number): void {
    delayEntry(id);
    this.retries.postpone(id, leastMs, () => {
      const entry = useOutbox.getState().entries.find((candidate) => candidate.id === id);
      if (entry?.problem === null) this.transmit(entry);
    });
  }

  private followAgain(id: string): void {
    const turn = findTurn(id);
    if (turn) this.follow(turn);
  }

  /** Everything of an ended turn has been shown: from now on it is a stored message. */
  private settle(turn: LiveTurn): void {
    if (!turn.hasEnded) return;
    const { conversation, message, picture, fold } = turn;
    const { startedAt, firstTokenAt } = picture;
    const waitedMs = startedAt !== null && firstTokenAt !== null ? Math.max(0, firstTokenAt - startedAt) : null;
    const measured = { first_token_ms: waitedMs, thought_ms: picture.thoughtMs };
    settleAnswer(this.client, conversation, message, fold.turn(), measured);
    removeTurn(turn.id);
    markEnded(conversation, turn.id);
    if (fold.drafts.some((draft) => draft.kind === "idea")) {
      void this.client.invalidateQueries({ queryKey: keys.allIdeas });
    }
  }

  private nextRef(verb: string, id: string): string {
    return `${verb}:${id}:${++this.refs}`;
  }
}

/** The server is busy or its database is away: it will be back, and nobody has to decide anything. */
function isPassing({ code, retryable }: ErrorFrame): boolean {
  return retryable === true && code !== "limit";
}
