/** The client: any route by its name, and the three that one uses most. */
import type { AcceptedDocument, Routes, Sending } from "./api.js";
import { errorOf } from "./errors.js";
import type { Entry } from "./follow.js";
import { follow } from "./follow.js";

export interface Options {
  /** Where the server is, as `https://quarterdeck.example.com`. */
  url: string;
  /** An API key from `quarterdeck key create`. */
  key: string;
  fetch?: typeof fetch;
}

type RouteName = keyof Routes;
type Part<Name extends RouteName, What extends "path" | "query" | "body"> = Routes[Name][What];
type Given<Name extends RouteName> = (object extends Part<Name, "path"> ? unknown : { path: Part<Name, "path"> }) &
  (undefined extends Part<Name, "body"> ? unknown : { body: Part<Name, "body"> }) & {
    query?: Part<Name, "query">;
    signal?: AbortSignal;
  };
/** The second argument may be left out where nothing in it is a must. */
type GivenOf<Name extends RouteName> = object extends Given<Name> ? [given?: Given<Name>] : [given: Given<Name>];

interface Loose {
  path?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

export class Quarterdeck {
  private readonly url: string;
  private readonly key: string;
  private readonly fetch: typeof fetch;

  constructor({ url, key, fetch: given = fetch }: Options) {
    this.url = url.replace(/\/$/, "");
    this.key = key;
    this.fetch = given;
  }

  /** Ask a route: `call("GET /api/conversations", { query: { q: "cats" } })`. Raises: `QuarterdeckError`. */
  async call<Name extends RouteName>(name: Name, ...[given]: GivenOf<Name>): Promise<Routes[Name]["answer"]> {
    const response = await this.ask(name, (given ?? {}) as Loose);
    if (!response.ok) throw await errorOf(response);
    const text = await response.text();
    return (text === "" ? undefined : JSON.parse(text)) as Routes[Name]["answer"];
  }

  /** Say something: kept when this returns. Sent again with the same `id` it is kept once. Raises: `QuarterdeckError`. */
  async say(message: Omit<Sending, "id"> & { id: string }): Promise<AcceptedDocument> {
    return this.call("POST /api/messages", { body: message });
  }

  /** The events of a turn after the cursor, over any number of broken connections. Raises: `QuarterdeckError`. */
  follow(turn: string, after = 0, signal?: AbortSignal): AsyncGenerator<Entry, void> {
    const name = "GET /api/turns/{turn}/events";
    const open = (cursor: number) =>
      this.ask(name, { path: { turn }, query: { after: cursor }, ...(signal ? { signal } : {}) });
    return follow(open, after);
  }

  /** The text of an answer as it is written. Raises: `QuarterdeckError`; an `Error` when the answer fails. */
  async *read(turn: string, signal?: AbortSignal): AsyncGenerator<string, void> {
    const texts = new Set<number>();
    let told = 0;
    for await (const { event } of this.follow(turn, 0, signal)) {
      if (event.type === "part.started" && event.kind === "text") texts.add(event.part);
      if (event.type === "text.delta" && texts.has(event.part)) {
        told += event.text.length;
        yield event.text;
      }
      if (event.type === "turn.restored") {
        const parts = event.parts ?? [];
        parts.forEach(({ kind }, number) => kind === "text" && texts.add(number));
        const whole = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
        if (whole.length > told) yield whole.slice(told);
        told = Math.max(told, whole.length);
      }
      if (event.type === "turn.ended" && event.status === "failed") throw new Error(event.error?.message ?? "It failed.");
    }
  }

  private ask(name: string, { path = {}, query = {}, body, signal }: Loose): Promise<Response> {
    const [method = "GET", template = ""] = name.split(" ");
    const address = template.replace(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(String(path[part])));
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const search = new URLSearchParams(
      given.flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((one) => [key, String(one)])),
    );
    return this.fetch(`${this.url}${address}${search.size > 0 ? `?${search.toString()}` : ""}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  }
}
