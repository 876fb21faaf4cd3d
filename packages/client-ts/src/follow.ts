/** A turn's events from a cursor to its end, over any number of broken connections. */
import { QuarterdeckError, errorOf } from "./errors.js";
import type { Event } from "./events.js";

export interface Entry {
  seq: number;
  event: Event;
}

/** One attempt: raises what `fetch` raises, or a `QuarterdeckError`. */
export type Open = (after: number) => Promise<Response>;

const FIRST_PAUSE_MS = 200;
const MOST_PAUSE_MS = 5_000;

/** Every event once and in order. Raises: `QuarterdeckError`, `resync` when the cursor cannot be served any more. */
export async function* follow(open: Open, after: number): AsyncGenerator<Entry, void> {
  let cursor = after;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      for await (const entry of readEntries(await open(cursor))) {
        cursor = entry.seq;
        pauseMs = FIRST_PAUSE_MS;
        yield entry;
        if (entry.event.type === "turn.ended") return;
      }
    } catch (error) {
      if (error instanceof QuarterdeckError && !error.retryable) throw error;
      if (error instanceof DOMException && error.name === "AbortError") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(MOST_PAUSE_MS, pauseMs * 2);
  }
}

async function* readEntries(response: Response): AsyncGenerator<Entry, void> {
  if (!response.ok) throw await errorOf(response);
  if (response.body === null) return;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let rest = "";
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const blocks = (rest + decoder.decode(read.value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const entry = entryOf(block);
        if (entry !== null) yield entry;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Null for a heartbeat. */
function entryOf(block: string): Entry | null {
  const lines = block.split("\n");
  const id = lines.find((line) => line.startsWith("id: "));
  const data = lines.find((line) => line.startsWith("data: "));
  if (id === undefined || data === undefined) return null;
  return { seq: Number(id.slice(4)), event: JSON.parse(data.slice(6)) as Event };
}
