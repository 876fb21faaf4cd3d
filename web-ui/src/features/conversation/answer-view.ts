/** One answer as it is shown, whether it is being written or stored. */
import type { RetryEntry } from "@/shared/connection/outbox";
import type { TurnPicture } from "@/shared/connection/live-turn";
import type { Message, MessageStatus } from "@/shared/wire/resources";
import type { Approval, Continuation, Part, TurnFault, Usage } from "@/shared/wire/generated";

export interface AnswerView {
  status: MessageStatus;
  parts: Part[];
  open: number | null;
  continuations: Continuation[];
  approvals: Approval[];
  error: TurnFault | null;
  usage: Usage;
  startedAt: number;
  firstTokenMs: number | null;
  thoughtMs: number | null;
  retrying: TurnPicture["retrying"];
  isShortened: boolean;
  isStopping: boolean;
  isLive: boolean;
}

export function viewAnswer(message: Message, picture: TurnPicture | null, retry: RetryEntry | null): AnswerView {
  if (retry) return { ...stored(message), ...UNSENT, startedAt: retry.at };
  if (!picture || (picture.parts.length === 0 && message.parts.length > 0)) return stored(message);
  return {
    status: message.status === "queued" && !picture.hasBegun ? "queued" : picture.status,
    parts: picture.parts,
    open: picture.open,
    continuations: picture.continuations,
    approvals: picture.approvals,
    error: picture.error,
    usage: picture.usage,
    startedAt: picture.startedAt ?? message.created_at,
    firstTokenMs: message.first_token_ms ?? null,
    thoughtMs: picture.thoughtMs,
    retrying: picture.retrying,
    isShortened: picture.isShortened,
    isStopping: picture.isStopping,
    isLive: picture.status === "running",
  };
}

const UNSENT = { status: "queued", parts: [], open: null, continuations: [], error: null } satisfies Partial<AnswerView>;

function stored(message: Message): AnswerView {
  return {
    status: message.status,
    parts: message.parts,
    open: null,
    continuations: message.continuations ?? [],
    approvals: [],
    error: message.error ?? null,
    usage: message.usage ?? {},
    startedAt: message.created_at,
    firstTokenMs: message.first_token_ms ?? null,
    thoughtMs: message.thought_ms ?? null,
    retrying: null,
    isShortened: false,
    isStopping: false,
    isLive: message.status === "running" || message.status === "queued",
  };
}
