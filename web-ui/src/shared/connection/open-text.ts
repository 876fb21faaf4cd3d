import type { LiveTurn } from "@/shared/connection/live-turn";

/** Shows on the page how a text grew, or does not: then React does, from what it rendered last. */
export interface Extension {
  extend(text: string): boolean;
  restore(): void;
}

/** The text of the part that is being written, for React: it changes only when the page cannot just extend what it shows. */
export class OpenText {
  shown: string;

  constructor(
    private readonly turn: LiveTurn,
    private readonly part: number,
    private readonly end: Extension,
  ) {
    this.shown = this.text;
  }

  private get text(): string {
    const part = this.turn.picture.parts[this.part];
    return part && "text" in part ? part.text : "";
  }

  readonly watch = (notify: () => void): (() => void) => {
    this.show(); // it may have been painted since it was rendered
    return this.turn.watch(() => {
      const { text, turn, end } = this;
      if (turn.outline !== turn.picture && end.extend(text)) return;
      this.show();
      notify();
    });
  };

  private show(): void {
    this.end.restore();
    this.shown = this.text;
  }
}
