import { QueryClient } from "@tanstack/react-query";

import { setLinkState } from "@/shared/connection/link-state";
import { Session } from "@/shared/connection/session";
import { Socket } from "@/shared/connection/socket";
import type { SocketHandlers } from "@/shared/connection/socket";
import { loadMe, tellTimeZone } from "@/shared/data/me";
import { ProblemError, request, whenSignedOut } from "@/shared/http/request";
import type { PageSettings } from "@/shared/wire/resources";

export interface Started {
  client: QueryClient;
  session: Session;
}

/** The parts that live outside React, for as long as the page does. */
export function startSession(settings: PageSettings): Started {
  const client = new QueryClient({
    defaultOptions: {
      queries: { staleTime: 60_000, retry: shouldAskAgain, retryDelay: waitBefore, refetchOnWindowFocus: false },
    },
  });
  const openWire = (handlers: SocketHandlers) => new Socket(socketUrl(), handlers);
  const session = new Session({ client, openWire, isSignedOut, feedAfter: settings.feed_after ?? null });
  whenSignedOut(({ code, message }) => {
    session.close();
    setLinkState("signed-out", code === "not_signed_in" ? "" : message);
  });
  session.start();
  void (settings.user === undefined ? loadMe().then(tellTimeZone) : tellTimeZone());
  return { client, session };
}

function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`;
}

/** A server that takes the question and does not answer must not hold up the next try. */
const ASK_MS = 3_000;

async function isSignedOut(): Promise<boolean> {
  try {
    await request("/api/me", { signal: AbortSignal.timeout(ASK_MS) });
    return false;
  } catch (error) {
    return error instanceof ProblemError && error.status === 401;
  }
}

const MOST_TRIES = 2;
const MOST_PASSING_TRIES = 6;
const MOST_WAIT_MS = 3_000;

/** A server that restarts, or whose database does, is back within seconds; meanwhile what is shown stays. */
function shouldAskAgain(failures: number, error: Error): boolean {
  if (!(error instanceof ProblemError)) return failures < MOST_TRIES;
  if (error.status === 0 || error.status === 503) return failures < MOST_PASSING_TRIES;
  return error.status >= 500 && failures < MOST_TRIES;
}

function waitBefore(failures: number): number {
  return Math.min(MOST_WAIT_MS, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}
