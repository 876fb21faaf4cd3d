/**
 * `fold(events)`: the answer a log adds up to, the same as `quarterdeck/domain/fold.py`; both run the
 * fixtures in `tests/fixtures/folds/`. Offsets count code points, as Python's strings do.
 */
import type {
  Approval,
  Continuation,
  Event,
  FoldedTurn,
  Part,
  PartKind,
  PartStarted,
  ToolResultPart,
  TurnFault,
  TurnRestored,
  Usage,
} from "@/shared/wire/generated";

/** One part while it is being written: `text` grows by appending only. */
export interface DraftPart {
  kind: PartKind;
  call: string;
  name: string;
  text: string;
  points: number;
  ended: boolean;
  /** What came of a tool call comes in one piece. */
  result?: ToolResultPart;
}

const COUNTED = ["input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"] as const;

export class Fold {
  readonly drafts: DraftPart[] = [];
  readonly continuations: Continuation[] = [];
  status: FoldedTurn["status"] = "running";
  usage: Usage = {};
  steps = 0;
  error: TurnFault | null = null;
  startedAt: number | null = null;
  endedAt: number | null = null;
  finish = "";
  attemptUsage: Usage = {};
  taint = "";
  /** The tool calls that were begun and have not returned. */
  called: string[] = [];
  approvals: Approval[] = [];
  private attempts = 0;
  private endedStep = 0;

  apply(event: Event): void {
    switch (event.type) {
      case "text.delta":
        this.append(event.part, event.text);
        break;
      case "part.started":
        this.drafts.push(newDraft(event));
        break;
      case "part.ended":
        this.draft(event.part).ended = true;
        break;
      case "usage.reported":
        this.usage = addUsage(this.usage, event.usage);
        this.attemptUsage = addUsage(this.attemptUsage, event.usage);
        break;
      case "turn.started":
        this.startedAt = event.at;
        break;
      case "step.started":
        this.attempts = event.step === this.steps ? this.attempts + 1 : 1;
        this.steps = event.step;
        this.attemptUsage = {};
        this.read(event.taint);
        break;
      case "step.ended":
        this.endedStep = event.step;
        this.finish = event.finish;
        break;
      case "step.retrying":
      case "context.shortened":
        break;
      case "tool.called":
        this.called.push(event.call);
        break;
      case "tool.returned":
        this.called = this.called.filter((call) => call !== event.call);
        this.drafts.push(resultDraft(event.call, event.text, event.is_error ?? false, event.taint ?? ""));
        this.read(event.taint);
        break;
      case "approval.requested": {
        const { call, name, digest, taint, at } = event;
        this.approvals.push({ call, name, digest, ...(taint ? { taint } : {}), ...(at ? { at } : {}) });
        break;
      }
      case "approval.settled":
        this.approvals = this.approvals.map((asked) =>
          asked.call === event.call ? { ...asked, decision: event.decision } : asked,
        );
        break;
      case "turn.continued":
        this.continuations.push(this.place(event.at));
        break;
      case "turn.restored":
        this.restore(event);
        break;
      case "turn.ended":
        this.status = event.status;
        this.error = event.error ?? null;
        this.endedAt = event.at;
        break;
    }
  }

  /** The index of the part still being written, else null. */
  get open(): number | null {
    if (this.status !== "running") return null;
    const last = this.drafts.findLastIndex((draft) => !draft.ended);
    return last < 0 ? null : last;
  }

  turn(): FoldedTurn {
    return {
      status: this.status,
      parts: this.drafts.map((draft) => asPart(draft, draft.text)),
      open: this.open,
      usage: this.usage,
      steps: this.steps,
      attempts: this.attempts,
      step_ended: this.steps > 0 && this.endedStep === this.steps,
      continuations: [...this.continuations],
      error: this.error,
      started_at: this.startedAt,
      ended_at: this.endedAt,
      finish: this.finish,
      attempt_usage: this.attemptUsage,
      called: [...this.called],
      approvals: [...this.approvals],
      taint: this.taint,
    };
  }

  private restore(event: TurnRestored): void {
    const { parts = [], open = null, steps = 0, step_ended: stepEnded = false } = event;
    this.drafts.splice(0, Infinity, ...parts.map((part, index) => draftOf(part, index !== open)));
    this.continuations.splice(0, Infinity, ...(event.continuations ?? []));
    this.status = "running";
    this.error = null;
    this.startedAt = event.at;
    this.endedAt = null;
    this.usage = event.usage ?? {};
    this.steps = steps;
    this.attempts = event.attempts ?? 0;
    this.endedStep = stepEnded ? steps : 0;
    this.finish = event.finish ?? "";
    this.attemptUsage = event.attempt_usage ?? {};
    this.called = [...(event.called ?? [])];
    this.approvals = [...(event.approvals ?? [])];
    this.taint = event.taint ?? "";
  }

  private read(taint = ""): void {
    if (taint) this.taint = [...new Set(`${this.taint} ${taint}`.split(" ").filter(Boolean))].sort().join(" ");
  }

  private draft(index: number): DraftPart {
    const draft = this.drafts[index];
    if (draft === undefined) throw new RangeError(`An event names part ${index}; there are ${this.drafts.length}.`);
    return draft;
  }

  private append(index: number, text: string): void {
    const draft = this.draft(index);
    draft.text += text;
    draft.points += countPoints(text);
  }

  private place(at: number): Continuation {
    const last = this.drafts.at(-1);
    return last === undefined
      ? { part: 0, offset: 0, at }
      : { part: this.drafts.length - 1, offset: last.points, at };
  }
}

export function fold(events: Iterable<Event>): FoldedTurn {
  const state = new Fold();
  for (const event of events) state.apply(event);
  return state.turn();
}

/** A draft as a stored part, with as much of its text as is shown. */
export function asPart(draft: DraftPart, text: string): Part {
  if (draft.result) return draft.result;
  return draft.kind === "tool_call"
    ? { kind: "tool_call", call: draft.call, name: draft.name, arguments: text }
    : { kind: draft.kind, text };
}

/** The draft that `part` was made of. */
function draftOf(part: Part, ended: boolean): DraftPart {
  switch (part.kind) {
    case "tool_call": {
      const { call, name, arguments: text = "" } = part;
      return { kind: part.kind, call, name, text, points: countPoints(text), ended };
    }
    case "text":
    case "reasoning":
    case "idea":
      return { kind: part.kind, call: "", name: "", text: part.text, points: countPoints(part.text), ended };
    case "tool_result":
      return resultDraft(part.call, part.text, part.is_error ?? false, part.taint ?? "");
    default:
      throw new RangeError(`An answer has no part of the kind ${part.kind}.`);
  }
}

function resultDraft(call: string, text: string, isError: boolean, taint: string): DraftPart {
  const result: ToolResultPart = { kind: "tool_result", call, text, is_error: isError, taint };
  return { kind: "text", call, name: "", text: "", points: countPoints(text), ended: true, result };
}

/** Code points of a text: surrogate pairs count once. */
export function countPoints(text: string): number {
  let points = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    if (isHigh(text.charCodeAt(index)) && isLow(text.charCodeAt(index + 1))) points--;
  }
  return points;
}

/** The index in UTF-16 units of the code point at `offset`. */
export function unitIndex(text: string, offset: number): number {
  let index = 0;
  for (let left = offset; left > 0 && index < text.length; left--) {
    index += isHigh(text.charCodeAt(index)) && isLow(text.charCodeAt(index + 1)) ? 2 : 1;
  }
  return index;
}

export function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function newDraft(event: PartStarted): DraftPart {
  return { kind: event.kind, call: event.call ?? "", name: event.name ?? "", text: "", points: 0, ended: false };
}

function addUsage(left: Usage, right: Usage): Usage {
  const sum: Usage = {};
  for (const name of COUNTED) {
    const value = (left[name] ?? 0) + (right[name] ?? 0);
    if (value !== 0) sum[name] = value;
  }
  const cost = left.cost == null && right.cost == null ? null : (left.cost ?? 0) + (right.cost ?? 0);
  if (cost !== null) sum.cost = cost;
  return sum;
}
