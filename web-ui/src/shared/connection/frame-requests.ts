/** `GET /api/events`, as one stream of frames or as one answer. */
import type { ServerFrame } from "@/shared/wire/generated";

const WAIT_S = 20;

/** The server answered, and not with frames. */
export class RefusedError extends Error {
  constructor(readonly status: number) {
    super(`The server answered with status ${status}.`);
    this.name = "RefusedError";
  }
}

/** Raises: `RefusedError`, and what `fetch` raises. */
export async function* readStream(query: URLSearchParams, signal: AbortSignal): AsyncGenerator<ServerFrame> {
  const { body } = await get(query, "text/event-stream", signal);
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const lines = (rest + read.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6)) as ServerFrame;
    }
  }
}

/** What is there, or what comes first. Raises: as above. */
export async function poll(
  query: URLSearchParams,
  waitS = WAIT_S,
  limit: number,
  signal: AbortSignal,
): Promise<ServerFrame[]> {
  query.set("wait", String(waitS));
  query.set("limit", String(limit));
  const answer = (await (await get(query, "application/json", signal)).json()) as { items: ServerFrame[] };
  return answer.items;
}

async function get(query: URLSearchParams, accept: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(`/api/events?${query.toString()}`, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { Accept: accept },
    signal,
  });
  if (!response.ok) throw new RefusedError(response.status);
  return response;
}
