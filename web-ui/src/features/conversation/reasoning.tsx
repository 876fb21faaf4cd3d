import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useSeconds } from "@/features/conversation/use-seconds";
import { useOpenText } from "@/shared/connection/live-turns";
import { GrowingEnd } from "@/shared/markdown/growing-end";
import { Markdown } from "@/shared/markdown/markdown";
import { seconds } from "@/shared/time/format";

interface ReasoningProps {
  /** The turn that is being written and the index of this part in it. */
  turn: string;
  part: number;
  text: string;
  isOpen: boolean;
  /** How long it took; null when nobody measured it. */
  thoughtMs: number | null;
  startedAt: number;
}

/** What the model thought before it spoke: one folded line; its text is not even laid out until it is opened. */
export function Reasoning({ turn, part, text, isOpen, thoughtMs, startedAt }: ReasoningProps) {
  const [isShown, setIsShown] = useState(false);
  return (
    <details className="pb-2 text-sm" onToggle={(event) => setIsShown(event.currentTarget.open)}>
      <summary className="-ml-1 inline-flex min-h-7 cursor-pointer list-none items-center gap-1 rounded-sm px-1 text-quiet hover:text-ink [&::-webkit-details-marker]:hidden">
        <ChevronRight
          size={15}
          strokeWidth={1.75}
          aria-hidden
          className={isShown ? "rotate-90 transition-transform" : "transition-transform"}
        />
        <Heading isOpen={isOpen} thoughtMs={thoughtMs} startedAt={startedAt} />
      </summary>
      {isShown && (
        <div className="qd-thought mt-1 mb-3 border-l border-line-strong pl-4 text-soft">
          <Thought turn={turn} part={part} text={text} isOpen={isOpen} />
        </div>
      )}
    </details>
  );
}

function Thought({ turn, part, text: stored, isOpen }: Pick<ReasoningProps, "turn" | "part" | "text" | "isOpen">) {
  const [end] = useState(() => new GrowingEnd());
  const text = useOpenText(isOpen ? turn : null, part, stored, end);
  return <Markdown text={text} streaming={isOpen} end={end} />;
}

function Heading({ isOpen, thoughtMs, startedAt }: Pick<ReasoningProps, "isOpen" | "thoughtMs" | "startedAt">) {
  const { t, i18n } = useTranslation();
  const running = useSeconds(startedAt, isOpen);
  if (isOpen) return <span className="tabular">{t("conversation.thinking", { count: running })}</span>;
  if (thoughtMs === null) return t("conversation.thought");
  return <span className="tabular">{t("conversation.thought_for", { seconds: seconds(thoughtMs, i18n.language) })}</span>;
}
