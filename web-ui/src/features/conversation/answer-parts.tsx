import { Lightbulb, Wrench } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";

import { AnswerText } from "@/features/conversation/answer-text";
import type { AnswerView } from "@/features/conversation/answer-view";
import { Pictures } from "@/features/conversation/pictures";
import { Reasoning } from "@/features/conversation/reasoning";
import type { Continuation, Part } from "@/shared/wire/generated";

export function AnswerParts({ view }: { view: AnswerView }) {
  const ideas = view.parts.filter((part) => part.kind === "idea");
  return (
    <>
      {ideas.length > 0 && <KeptIdeas texts={ideas.map((idea) => idea.text)} />}
      {view.parts.map((part, index) => (
        <PartBody
          key={index}
          part={part}
          isOpen={view.isLive && index === view.open}
          continuations={view.continuations.filter((continuation) => continuation.part === index)}
          thoughtMs={view.thoughtMs}
          startedAt={view.startedAt}
        />
      ))}
    </>
  );
}

interface PartBodyProps {
  part: Part;
  isOpen: boolean;
  continuations: Continuation[];
  thoughtMs: number | null;
  startedAt: number;
}

const PartBody = memo(
  function PartBody({ part, isOpen, continuations, thoughtMs, startedAt }: PartBodyProps) {
    const { t } = useTranslation();
    switch (part.kind) {
      case "text":
        return <AnswerText text={part.text} isOpen={isOpen} continuations={continuations} />;
      case "reasoning":
        return <Reasoning text={part.text} isOpen={isOpen} thoughtMs={thoughtMs} startedAt={startedAt} />;
      case "tool_call":
        return (
          <p className="flex items-center gap-2 py-1 text-sm text-quiet">
            <Wrench size={15} strokeWidth={1.75} aria-hidden />
            {t("conversation.tool_called", { name: part.name })}
          </p>
        );
      case "image":
        return <Pictures parts={[part]} />;
      default:
        return null; // ideas stand together above, tool results have no place in an answer yet
    }
  },
  (before, after) =>
    before.part === after.part &&
    before.isOpen === after.isOpen &&
    before.thoughtMs === after.thoughtMs &&
    before.continuations.length === after.continuations.length,
);

/** The ideas of this answer; their own panel and page have the rest. */
function KeptIdeas({ texts }: { texts: string[] }) {
  const { t } = useTranslation();
  return (
    <ul aria-label={t("conversation.ideas_kept")} className="flex flex-col gap-1.5 pt-1 pb-3">
      {texts.map((text, index) => (
        <li key={index} className="qd-rise flex items-start gap-2.5 rounded-md border border-line bg-raised px-3 py-2 text-sm">
          <Lightbulb size={16} strokeWidth={1.75} aria-hidden className="mt-0.5 shrink-0 text-accent" />
          <span className="min-w-0 break-words">{text}</span>
        </li>
      ))}
    </ul>
  );
}
