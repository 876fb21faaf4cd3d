/**
 * A turn that is being written, as this page has it: every event once and in order, and a picture of it
 * that is painted once per frame.
 */
import { asPart, Fold } from "@/shared/log/fold";
import { cut, Pacer } from "@/shared/log/pacer";
import type { Approval, Continuation, Event, FoldedTurn, Part, TurnFault, Usage } from "@/shared/wire/generated";

const SHOW_AT_ONCE_UNITS = 1500;

export interface TurnPicture {
  status: FoldedTurn["status"];
  parts: Part[];
  /** The part still being written. */
  open: number | null;
  continuations: Continuation[];
  approvals: Approval[];
  error: TurnFault | null;
  usage: Usage;
  startedAt: number | null;
  /** The model has been asked; before that the turn may wait for the one before it. */
  hasBegun: boolean;
  endedAt: number | null;
  firstTokenAt: number | null;
  /** How long the model thought before it spoke, once that is known here. */
  thoughtMs: number | null;
  /** The provider is busy: why, and when it is asked again. */
  retrying: { reason: string; until: number } | null;
  /** It was too long for the model, and older messages were left out. */
  isShortened: boolean;
  isStopping: boolean;
}

/** Whether nothing changed but the text of the open part, which is prose. */
function isSameOutline(before: TurnPicture, after: TurnPicture): boolean {
  const { parts, continuations, ...rest } = after;
  if (before.parts.length !== parts.length || before.continuations.length !== continuations.length) return false;
  if (!Object.entries(rest).every(([name, value]) => before[name as keyof typeof rest] === value)) return false;
  return parts.every((part, index) => part === before.parts[index] || (index === after.open && isProse(part, before.parts[index])));
}

function isProse({ kind }: Part, before: Part | undefined): boolean {
  return kind === before?.kind && (kind === "text" || kind === "reasoning");
}

export type Heard = "new" | "known" | "hole";

export class LiveTurn {
  readonly fold = new Fold();
  /** The last event that was applied. */
  seq = 0;
  /** Asked to follow again and not answered yet: what comes until then may have holes. */
  isFollowing = false;
  message = "";
  picture: TurnPicture;
  /** The picture when something other than the text of the open part last changed. */
  outline: TurnPicture;
  private readonly watchers = new Set<() => void>();
  private readonly finished: Part[] = [];
  private pacer = new Pacer();
  private paced = 0;
  private isStopping = false;
  private askedAt: number | null = null;
  private firstTokenAt: number | null = null;
  private retrying: TurnPicture["retrying"] = null;
  private isShortened = false;
  private paintedAt = 0;
  private thinkingSince: number | null = null;
  private thoughtMs: number | null = null;

  constructor(
    readonly id: string,
    readonly conversation: string,
    /** Followed after it had begun: when things happened is then not known here. */
    private readonly isReplayed: boolean,
  ) {
    this.picture = this.outline = this.draw([]);
  }

  hear(seq: number, event: Event): Heard {
    if (seq <= this.seq) return "known";
    if (seq > this.seq + 1 && event.type !== "turn.restored") return "hole";
    this.seq = seq;
    this.fold.apply(event);
    if (event.type === "turn.restored") this.showRestored();
    this.note(event);
    return "new";
  }

  stop(): void {
    this.isStopping = true;
  }

  get hasEnded(): boolean {
    return this.fold.status !== "running";
  }

  get isWatched(): boolean {
    return this.watchers.size > 0;
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Paint what this frame shows; true when nothing is left to show. */
  paint(nowMs: number, atOnce: boolean): boolean {
    const elapsedMs = Math.min(100, Math.max(1, nowMs - this.paintedAt));
    this.paintedAt = nowMs;
    this.picture = this.draw(this.visibleParts(nowMs, elapsedMs, atOnce));
    if (!isSameOutline(this.outline, this.picture)) this.outline = this.picture;
    for (const watcher of this.watchers) watcher();
    return this.isShownToTheEnd();
  }

  /** It is not followed any more: whoever shows only its growth shows all of it now. */
  letGo(): void {
    this.outline = this.picture;
    for (const watcher of this.watchers) watcher();
  }

  /** What was shown of an answer stays shown as far as it is still there; the rest follows at its pace. */
  private showRestored(): void {
    const { drafts } = this.fold;
    const paced = Math.min(this.paced, Math.max(0, drafts.length - 1));
    if (paced < this.paced || this.pacer.shownUnits > (drafts[paced]?.text.length ?? 0)) this.pacer = new Pacer();
    this.paced = paced;
    this.finished.splice(0, Infinity, ...drafts.slice(0, paced).map((draft) => asPart(draft, draft.text)));
  }

  private note(event: Event): void {
    if (event.type === "step.retrying") {
      this.retrying = { reason: event.reason, until: Date.now() + event.wait_s * 1000 };
    } else if (event.type === "context.shortened") {
      this.isShortened = true;
      this.retrying = null;
    } else if (event.type === "text.delta" || event.type === "step.started" || event.type === "turn.ended") {
      this.retrying = null;
    }
    if (event.type === "text.delta" && !this.isReplayed) this.firstTokenAt ??= Date.now();
    if (event.type === "step.started") this.askedAt ??= event.at;
    if (event.type === "turn.restored" && event.steps) this.askedAt ??= event.at;
    if (event.type === "turn.started" || event.type === "turn.restored") this.message = event.message;
    if (event.type === "part.started" && event.kind === "reasoning" && !this.isReplayed) this.thinkingSince = Date.now();
    if (event.type === "part.ended" && this.fold.drafts[event.part]?.kind === "reasoning") this.noteThought();
  }

  private noteThought(): void {
    if (this.thinkingSince !== null) this.thoughtMs = (this.thoughtMs ?? 0) + Date.now() - this.thinkingSince;
    this.thinkingSince = null;
  }

  /** Parts before the paced one are whole, it is cut, and later ones have not begun. */
  private visibleParts(nowMs: number, elapsedMs: number, atOnce: boolean): Part[] {
    const { drafts } = this.fold;
    for (let draft = drafts[this.paced]; draft !== undefined; draft = drafts[this.paced]) {
      const shown = this.pace(draft.text.length, nowMs, elapsedMs, atOnce);
      const isWhole = shown >= draft.text.length;
      if (!isWhole || !draft.ended || this.paced === drafts.length - 1) {
        return [...this.finished, asPart(draft, cut(draft.text, shown))];
      }
      this.finished.push(asPart(draft, draft.text));
      this.paced++;
      this.pacer = new Pacer();
    }
    return [...this.finished];
  }

  private pace(length: number, nowMs: number, elapsedMs: number, atOnce: boolean): number {
    const isFar = length - this.pacer.shownUnits > SHOW_AT_ONCE_UNITS;
    return atOnce || isFar ? this.pacer.flush(length) : this.pacer.advance(length, nowMs, elapsedMs);
  }

  private isShownToTheEnd(): boolean {
    const { drafts } = this.fold;
    const last = drafts.length - 1;
    return this.paced >= last && this.pacer.shownUnits >= (drafts[last]?.text.length ?? 0);
  }

  private draw(parts: Part[]): TurnPicture {
    const { fold } = this;
    const isWhole = this.isShownToTheEnd();
    return {
      status: isWhole ? fold.status : "running",
      parts,
      open: isWhole ? fold.open : parts.length - 1,
      continuations: [...fold.continuations],
      approvals: fold.approvals,
      error: isWhole ? fold.error : null,
      usage: fold.usage,
      startedAt: this.askedAt ?? fold.startedAt,
      hasBegun: this.askedAt !== null,
      endedAt: fold.endedAt,
      firstTokenAt: this.firstTokenAt,
      thoughtMs: this.thoughtMs,
      retrying: this.retrying,
      isShortened: this.isShortened,
      isStopping: this.isStopping,
    };
  }
}
