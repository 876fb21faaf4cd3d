import { Lightbulb } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";

import { AnswerText } from "@/features/conversation/answer-text";
import type { AnswerView } from "@/features/conversation/answer-view";
import { Pictures } from "@/features/conversation/pictures";
import { Reasoning } from "@/features/conversation/reasoning";
import { ToolCall } from "@/features/conversation/tool-call";
import type { Approval, Continuation, Part, ToolResultPart } from "@/shared/wire/generated";

export function AnswerParts({ view, turn }: { view: AnswerView; turn: string }) {
  const ideas = view.parts.filter((part) => part.kind === "idea");
  return (
    <>
      {ideas.length > 0 && <KeptIdeas texts={ideas.map((idea) => idea.text)} />}
      {view.parts.map((part, index) => (
        <PartBody
          key={index}
          part={part}
          index={index}
          isOpen={view.isLive && index === view.open}
          continuations={view.continuations.filter((continuation) => continuation.part === index)}
          thoughtMs={view.thoughtMs}
          startedAt={view.startedAt}
          turn={turn}
          isLive={view.isLive}
          result={resultOf(part, view.parts)}
          approval={approvalOf(part, view.approvals)}
        />
      ))}
    </>
  );
}

function resultOf(part: Part, parts: Part[]): ToolResultPart | undefined {
  if (part.kind !== "tool_call") return undefined;
  return parts.find((other): other is ToolResultPart => other.kind === "tool_result" && other.call === part.call);
}

function approvalOf(part: Part, approvals: Approval[]): Approval | undefined {
  return part.kind === "tool_call" ? approvals.find((asked) => asked.call === part.call) : undefined;
}

interface PartBodyProps {
  part: Part;
  /** Its place among the parts. */
  index: number;
  turn: string;
  isLive: boolean;
  result: ToolResultPart | undefined;
  approval: Approval | undefined;
  isOpen: boolean;
  continuations: Continuation[];
  thoughtMs: number | null;
  startedAt: number;
}

const PartBody = memo(
  function PartBody({ part, index, isOpen, continuations, thoughtMs, startedAt, turn, isLive, result, approval }: PartBodyProps) {
    switch (part.kind) {
      case "text":
        return <AnswerText turn={turn} part={index} text={part.text} isOpen={isOpen} continuations={continuations} />;
      case "reasoning":
        return <Reasoning turn={turn} part={index} text={part.text} isOpen={isOpen} thoughtMs={thoughtMs} startedAt={startedAt} />;
      case "tool_call":
        return <ToolCall turn={turn} call={part} result={result} approval={approval} isLive={isLive} />;
      case "image":
        return <Pictures parts={[part]} />;
      default:
        return null; // ideas stand together above, what came of a call stands with it
    }
  },
  (before, after) =>
    before.part === after.part &&
    before.isOpen === after.isOpen &&
    before.isLive === after.isLive &&
    before.result === after.result &&
    before.approval === after.approval &&
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
