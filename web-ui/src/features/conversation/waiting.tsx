import { useTranslation } from "react-i18next";

import type { AnswerView } from "@/features/conversation/answer-view";
import { useSeconds } from "@/features/conversation/use-seconds";
import { useLink } from "@/shared/connection/link-state";
import { shortName } from "@/shared/data/models";
import { Spinner } from "@/shared/ui/spinner";

const PATIENT_S = 3;

interface WaitingProps {
  view: AnswerView;
  model: string;
  isUnsent: boolean;
}

/** Nothing has come yet, or the next part has not begun: what is being waited for, with seconds after three. */
export function Waiting({ view, model, isUnsent }: WaitingProps) {
  return (
    <p className="flex min-h-7 items-center gap-2.5 pt-1 text-sm text-quiet">
      <Spinner />
      <span>
        {view.retrying ? (
          <RetryNotice reason={view.retrying.reason} until={view.retrying.until} />
        ) : (
          <WaitNotice view={view} model={model} isUnsent={isUnsent} />
        )}
      </span>
    </p>
  );
}

function WaitNotice({ view, model, isUnsent }: WaitingProps) {
  const { t } = useTranslation();
  const isOpen = useLink((link) => link.state === "open");
  const waited = useSeconds(view.startedAt, true);
  if (isUnsent && !isOpen) return t("conversation.waiting_for_connection");
  if (isUnsent) return t("conversation.sending");
  if (view.status === "queued") return t("conversation.queued");
  if (view.isStopping) return t("conversation.stopping");
  if (view.parts.length > 0 || waited < PATIENT_S) return null;
  return <span className="tabular">{t("conversation.waiting", { model: shortName(model), count: waited })}</span>;
}

function RetryNotice({ reason, until }: { reason: string; until: number }) {
  const { t } = useTranslation();
  const elapsed = useSeconds(until - 600_000, true);
  const left = Math.max(0, 600 - elapsed);
  return (
    <span className="tabular">
      {reason} {left > 0 ? t("conversation.asking_again_in", { count: left }) : t("conversation.asking_again")}
    </span>
  );
}
