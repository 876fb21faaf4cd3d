/** What a connection without a socket follows, and from where: each request says it anew. */
import type { ClientFrame, ErrorFrame, FollowingFrame, ResyncFrame, ServerFrame } from "@/shared/wire/generated";

interface Place {
  after: number | "now";
  ref: string;
  /** The server has said that it can be followed from there. */
  isTold: boolean;
}

const FEED = "feed";

export class Cursors {
  private readonly places = new Map<string, Place>();

  get isEmpty(): boolean {
    return this.places.size === 0;
  }

  /** Whether what is asked for has changed. */
  note(frame: ClientFrame): boolean {
    switch (frame.type) {
      case "follow":
        return this.put(frame.turn, frame.after ?? 0, frame.ref);
      case "feed":
        return this.put(FEED, frame.after ?? "now", frame.ref);
      case "unfollow":
        return this.places.delete(frame.turn);
      default:
        return false;
    }
  }

  follow(turn: string): void {
    this.put(turn, 0, "");
  }

  /** The parameters of `GET /api/events`. */
  query(): URLSearchParams {
    const query = new URLSearchParams();
    for (const [name, { after }] of this.places) {
      if (name === FEED) query.set(FEED, String(after));
      else query.append("turn", `${name}:${after}`);
    }
    return query;
  }

  /** Move along with what comes. The frame as the session knows it; null when it says nothing new. */
  take(frame: ServerFrame): ServerFrame | null {
    switch (frame.type) {
      case "event":
        return this.advance(frame.turn, frame.seq, frame.event.type === "turn.ended") ? frame : null;
      case "feed":
        return this.advance(FEED, frame.seq, false) ? frame : null;
      case "following":
        return this.acknowledge(frame.feed ? FEED : (frame.turn ?? ""), frame.after, frame);
      case "resync":
      case "error":
        return this.refuse(frame.ref ?? "", frame);
      default:
        return frame;
    }
  }

  private put(name: string, after: number | "now", ref = ""): boolean {
    this.places.set(name, { after, ref, isTold: false });
    return true;
  }

  private advance(name: string, seq: number, isLast: boolean): boolean {
    const place = this.places.get(name);
    if (place === undefined) return false;
    place.after = seq;
    if (isLast) this.places.delete(name);
    return true;
  }

  private acknowledge(name: string, after: number, frame: FollowingFrame): ServerFrame | null {
    const place = this.places.get(name);
    if (place === undefined || place.isTold) return null;
    place.isTold = true;
    if (place.after === "now") place.after = after;
    return { ...frame, ref: place.ref };
  }

  private refuse(name: string, frame: ResyncFrame | ErrorFrame): ServerFrame | null {
    const place = this.places.get(name);
    if (place === undefined) return null;
    this.places.delete(name);
    return { ...frame, ref: place.ref };
  }
}
