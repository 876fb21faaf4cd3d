import { QueryClient } from "@tanstack/react-query";

import { setLinkState } from "@/shared/connection/link-state";
import { Session } from "@/shared/connection/session";
import { Socket } from "@/shared/connection/socket";
import { ProblemError, request, whenSignedOut } from "@/shared/http/request";

export interface Started {
  client: QueryClient;
  session: Session;
}

/** The parts that live outside React, for as long as the page does. */
export function startSession(): Started {
  const client = new QueryClient({
    defaultOptions: {
      queries: { staleTime: 60_000, retry: shouldAskAgain, refetchOnWindowFocus: false },
    },
  });
  const session = new Session({ client, openWire: (handlers) => new Socket(socketUrl(), handlers), isSignedOut });
  whenSignedOut(() => {
    session.close();
    setLinkState("signed-out");
  });
  session.start();
  return { client, session };
}

function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`;
}

async function isSignedOut(): Promise<boolean> {
  try {
    await request("/api/me");
    return false;
  } catch (error) {
    return error instanceof ProblemError && error.status === 401;
  }
}

const MOST_TRIES = 2;

function shouldAskAgain(failures: number, error: Error): boolean {
  const isTheirs = error instanceof ProblemError && error.status >= 400 && error.status < 500;
  return !isTheirs && failures < MOST_TRIES;
}
