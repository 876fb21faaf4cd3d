import { useRef, useState } from "react";

import { Knot } from "@/features/conversation/knot";
import { useOpenText } from "@/shared/connection/live-turns";
import { GrowingEnd } from "@/shared/markdown/growing-end";
import { Markdown } from "@/shared/markdown/markdown";
import type { Continuation } from "@/shared/wire/generated";

interface AnswerTextProps {
  /** The turn that is being written and the index of this part in it. */
  turn: string;
  part: number;
  text: string;
  isOpen: boolean;
  continuations: Continuation[];
}

export function AnswerText({ turn, part, text: stored, isOpen, continuations }: AnswerTextProps) {
  const body = useRef<HTMLDivElement>(null);
  const [end] = useState(() => new GrowingEnd());
  const text = useOpenText(isOpen ? turn : null, part, stored, end);
  if (text === "") return null;
  return (
    <div className="relative">
      <div ref={body} className="qd-reading">
        <Markdown text={text} streaming={isOpen} end={end} />
      </div>
      {continuations.map((continuation) => (
        <Knot key={continuation.at} body={body} text={text} continuation={continuation} />
      ))}
    </div>
  );
}
