import { useEffect, useState } from "react";

import { splitSentences } from "@/features/conversation/sentences";
import type { LiveTurn } from "@/shared/connection/live-turn";
import { findTurn } from "@/shared/connection/live-turns";

const EVERY_MS = 1200;

/**
 * Reads a running answer to screen readers, sentence by sentence, at a pace that they can follow. The
 * visible text is not live: it would be read from its beginning at every change.
 */
export function Announcer({ turn }: { turn: string | null }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const live = turn === null ? undefined : findTurn(turn);
    if (!live) return;
    let at = 0;
    const timer = setInterval(() => {
      const { sentences, end } = splitSentences(textOf(live), at, live.hasEnded);
      at = end;
      if (sentences !== "") setSaid(sentences);
      if (live.hasEnded) clearInterval(timer);
    }, EVERY_MS);
    return () => {
      if (!live.hasEnded) clearInterval(timer); // an ended one still says its last words, then stops by itself
    };
  }, [turn]);
  return (
    <div aria-live="polite" aria-atomic="true" className="sr-only">
      {said}
    </div>
  );
}

function textOf(live: LiveTurn): string {
  return live.fold.drafts
    .filter((draft) => draft.kind === "text")
    .map((draft) => draft.text)
    .join("");
}
