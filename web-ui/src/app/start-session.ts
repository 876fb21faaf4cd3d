import { QueryClient } from "@tanstack/react-query";

import { PollWire, StreamWire } from "@/shared/connection/http-wire";
import { Link } from "@/shared/connection/link";
import type { LinkHandlers, Welcome } from "@/shared/connection/link";
import { setLinkState } from "@/shared/connection/link-state";
import { Session } from "@/shared/connection/session";
import { openSocketWire } from "@/shared/connection/socket-wire";
import type { WireOpeners } from "@/shared/connection/wire";
import { loadMe, tellTimeZone } from "@/shared/data/me";
import { isAway, ProblemError, request, whenSignedOut } from "@/shared/http/request";
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
  const openLink = (handlers: LinkHandlers) => new Link(OPENERS, handlers);
  const session = new Session({ client, openLink, ask, feedAfter: settings.feed_after ?? null });
  whenSignedOut(({ code, message }) => {
    session.close();
    setLinkState("signed-out", undefined, code === "not_signed_in" ? "" : message);
  });
  session.start();
  void (settings.user === undefined ? loadMe().then(tellTimeZone) : tellTimeZone());
  return { client, session };
}

const OPENERS: WireOpeners = {
  socket: (events) => openSocketWire(socketUrl(), events),
  stream: (events) => new StreamWire(events),
  poll: (events) => new PollWire(events),
};

function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`;
}

/** A server that takes the question and does not answer must not hold up the next try. */
const ASK_MS = 3_000;

async function ask(): Promise<Welcome> {
  try {
    await request("/api/me", { signal: AbortSignal.timeout(ASK_MS) });
    return "welcome";
  } catch (error) {
    return error instanceof ProblemError && error.status === 401 ? "signed-out" : "away";
  }
}

const MOST_TRIES = 2;
const MOST_PASSING_TRIES = 6;
const MOST_WAIT_MS = 3_000;

/** A server that restarts, or whose database does, is back within seconds; meanwhile what is shown stays. */
function shouldAskAgain(failures: number, error: Error): boolean {
  if (!(error instanceof ProblemError)) return failures < MOST_TRIES;
  if (error.status === 0 || isAway(error.status)) return failures < MOST_PASSING_TRIES;
  return error.status >= 500 && failures < MOST_TRIES;
}

function waitBefore(failures: number): number {
  return Math.min(MOST_WAIT_MS, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}
