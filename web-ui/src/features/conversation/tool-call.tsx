import { ChevronRight, Search, BookOpen, Wrench } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ToolApproval } from "@/features/conversation/tool-approval";
import { readCall } from "@/features/conversation/tool-words";
import type { Approval, ToolCallPart, ToolResultPart } from "@/shared/wire/generated";

interface ToolCallProps {
  turn: string;
  call: ToolCallPart;
  result: ToolResultPart | undefined;
  approval: Approval | undefined;
  isLive: boolean;
}

const ICONS = { search: Search, open: BookOpen, other: Wrench };

/** One call of a tool: a quiet line, which unfolds to what was asked and what came of it. */
export function ToolCall({ turn, call, result, approval, isLive }: ToolCallProps) {
  const { t } = useTranslation();
  const [isShown, setIsShown] = useState(false);
  const { icon, words } = readCall(call);
  const Icon = ICONS[icon];
  const isWaiting = isLive && result === undefined && approval !== undefined && !approval.decision;
  return (
    <>
      <details className="py-0.5 text-sm" onToggle={(event) => setIsShown(event.currentTarget.open)}>
        <summary className="-ml-1 flex min-h-7 cursor-pointer list-none items-center gap-1.5 rounded-sm px-1 text-quiet hover:text-ink [&::-webkit-details-marker]:hidden">
          <ChevronRight size={15} strokeWidth={1.75} aria-hidden className={isShown ? "shrink-0 rotate-90" : "shrink-0"} />
          <Icon size={15} strokeWidth={1.75} aria-hidden className="shrink-0" />
          <span className="truncate">{words}</span>
          {result?.is_error && <span className="shrink-0">· {t("conversation.tool.failed")}</span>}
          {result === undefined && isLive && !isWaiting && <span className="shrink-0">· {t("conversation.tool.running")}</span>}
        </summary>
        {isShown && (
          <div className="mt-1 mb-2 flex flex-col gap-2 border-l border-line-strong pl-4">
            <Quoted text={call.arguments} />
            {result && <Quoted text={result.text} />}
            {result?.taint && <p className="text-xs text-quiet">{t("conversation.tool.tainted")}</p>}
          </div>
        )}
      </details>
      {isWaiting && <ToolApproval turn={turn} call={call} approval={approval} />}
    </>
  );
}

function Quoted({ text }: { text: string }) {
  return (
    <pre className="max-h-72 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
      {text}
    </pre>
  );
}
