import type { LiveTurn } from "@/shared/connection/live-turn";

/** Paints turns that changed, all of them in one animation frame. */
export class Painter {
  private readonly changed = new Set<LiveTurn>();
  private frame: number | null = null;

  constructor(private readonly onShown: (turn: LiveTurn) => void) {
    document.addEventListener("visibilitychange", this.flushWhenHidden);
  }

  add(turn: LiveTurn): void {
    this.changed.add(turn);
    if (document.hidden || !turn.isWatched) this.paintOne(turn, performance.now(), true);
    else this.schedule();
  }

  forget(turn: LiveTurn): void {
    this.changed.delete(turn);
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.flushWhenHidden);
    if (this.frame !== null) cancelAnimationFrame(this.frame);
  }

  private schedule(): void {
    this.frame ??= requestAnimationFrame((nowMs) => {
      this.frame = null;
      const atOnce = matchMedia("(prefers-reduced-motion: reduce)").matches;
      for (const turn of this.changed) this.paintOne(turn, nowMs, atOnce);
      if (this.changed.size > 0) this.schedule();
    });
  }

  private paintOne(turn: LiveTurn, nowMs: number, atOnce: boolean): void {
    if (!turn.paint(nowMs, atOnce)) return;
    this.changed.delete(turn);
    this.onShown(turn);
  }

  /** Frames stop in a hidden tab; what was waiting for one is shown now. */
  private readonly flushWhenHidden = (): void => {
    if (!document.hidden) return;
    for (const turn of this.changed) this.paintOne(turn, performance.now(), true);
  };
}
