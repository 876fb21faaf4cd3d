import { ShieldAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { request } from "@/shared/http/request";
import type { Approval, ToolCallPart } from "@/shared/wire/generated";

interface ToolApprovalProps {
  turn: string;
  call: ToolCallPart;
  approval: Approval;
}

/** A tool would do something: exactly what, why it is asked for, and the user's word. */
export function ToolApproval({ turn, call, approval }: ToolApprovalProps) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState("");
  const [isSent, setIsSent] = useState(false);
  const decide = async (decision: "approved" | "declined") => {
    setIsSent(true);
    setProblem("");
    const path = `/api/turns/${encodeURIComponent(turn)}/approvals/${encodeURIComponent(call.call)}`;
    try {
      await request<undefined>(path, { method: "POST", body: { digest: approval.digest, decision } });
    } catch (error) {
      setIsSent(false);
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section aria-label={t("conversation.tool.asks")} className="my-2 flex flex-col gap-3 rounded-md border border-line-strong p-3 text-sm">
      <p className="flex items-start gap-2">
        <ShieldAlert size={16} strokeWidth={1.75} aria-hidden className="mt-0.5 shrink-0 text-accent" />
        <span>
          {t("conversation.tool.wants", { name: call.name })}
          {approval.taint ? ` ${t("conversation.tool.wants_tainted")}` : ""}
        </span>
      </p>
      <pre className="max-h-72 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
        {call.arguments}
      </pre>
      {problem && <p role="alert">{problem}</p>}
      <p className="flex gap-2">
        <button
          type="button"
          disabled={isSent}
          onClick={() => void decide("declined")}
          className="min-h-9 rounded-md border border-line-strong px-4 hover:bg-hover"
        >
          {t("conversation.tool.decline")}
        </button>
        <button
          type="button"
          disabled={isSent}
          onClick={() => void decide("approved")}
          className="min-h-9 rounded-md border border-line-strong px-4 hover:bg-hover"
        >
          {t("conversation.tool.allow")}
        </button>
      </p>
    </section>
  );
}
