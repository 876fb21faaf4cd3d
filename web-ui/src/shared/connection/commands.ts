/** What a client asks for beside following, as plain requests: the frame that the socket would have answered with. */
import { ProblemError, request } from "@/shared/http/request";
import type { ClientFrame, RetryFrame, SendFrame, ServerFrame } from "@/shared/wire/generated";
import type { AcceptedTurn } from "@/shared/wire/resources";

const CUT = new ProblemError(0, "offline", "The answer was cut off.", true);

/** Null for what needs no answer here. */
export async function carryOut(frame: ClientFrame): Promise<ServerFrame | null> {
  try {
    switch (frame.type) {
      case "send":
        return accepted(frame, await request<AcceptedTurn>("/api/messages", { method: "POST", body: bodyOf(frame) }));
      case "retry":
        return accepted(frame, await request<AcceptedTurn>(`/api/messages/${frame.message}/retry`, { method: "POST", body: bodyOf(frame) }));
      case "stop":
        await request(`/api/turns/${frame.turn}/stop`, { method: "POST" });
        return { type: "stopping", ...refOf(frame), turn: frame.turn };
      case "approve": {
        const { turn, call, digest, decision } = frame;
        await request(`/api/turns/${turn}/approvals/${call}`, { method: "POST", body: { digest, decision } });
        return { type: "settling", ...refOf(frame), turn, call };
      }
      case "ping":
        await request("/api/me");
        return { type: "pong", ...refOf(frame) };
      default:
        return null;
    }
  } catch (error) {
    if (frame.type === "ping") return null; // silence says it
    const { code, message, retryable, retryAfterS } = error instanceof ProblemError ? error : CUT;
    return { type: "error", ...refOf(frame), code, message, retryable, retry_after_s: retryAfterS };
  }
}

function bodyOf(frame: SendFrame | RetryFrame): object {
  const { type: _type, ref: _ref, follow: _follow, ...body } = frame;
  return body;
}

function accepted(frame: SendFrame | RetryFrame, turn: AcceptedTurn): ServerFrame {
  const { created_at: at, ...rest } = turn;
  return { type: "accepted", ...refOf(frame), id: frame.id, at, ...rest };
}

function refOf({ ref }: ClientFrame): { ref?: string } {
  return ref === undefined ? {} : { ref };
}
