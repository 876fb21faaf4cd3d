import { useRef } from "react";

import { Knot } from "@/features/conversation/knot";
import { Markdown } from "@/shared/markdown/markdown";
import type { Continuation } from "@/shared/wire/generated";

interface AnswerTextProps {
  text: string;
  isOpen: boolean;
  continuations: Continuation[];
}

export function AnswerText({ text, isOpen, continuations }: AnswerTextProps) {
  const body = useRef<HTMLDivElement>(null);
  if (text === "") return null;
  return (
    <div className="relative">
      <div ref={body} className="qd-reading">
        <Markdown text={text} streaming={isOpen} />
      </div>
      {continuations.map((continuation) => (
        <Knot key={continuation.at} body={body} text={text} continuation={continuation} />
      ))}
    </div>
  );
}
