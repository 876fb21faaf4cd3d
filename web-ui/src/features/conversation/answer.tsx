import { useTranslation } from "react-i18next";

import { AnswerFoot } from "@/features/conversation/answer-foot";
import { AnswerParts } from "@/features/conversation/answer-parts";
import { viewAnswer } from "@/features/conversation/answer-view";
import { Edited } from "@/features/conversation/editing";
import { ErrorCard } from "@/features/conversation/error-card";
import { Waiting } from "@/features/conversation/waiting";
import { useTurnOutline } from "@/shared/connection/live-turns";
import type { RetryEntry } from "@/shared/connection/outbox";
import { useSession } from "@/shared/connection/session-context";
import { shortName } from "@/shared/data/models";
import { clock, fullTime } from "@/shared/time/format";
import type { Message } from "@/shared/wire/resources";

interface AnswerProps {
  message: Message;
  retry: RetryEntry | null;
}

export function Answer({ message, retry }: AnswerProps) {
  const { t } = useTranslation();
  const session = useSession();
  const picture = useTurnOutline(message.turn);
  const view = viewAnswer(message, picture, retry);
  const askAgain = () =>
    session.retry({ message: message.id, conversation: message.conversation, ...(message.model ? { model: message.model } : {}) });
  return (
    <article aria-label={t("conversation.answer")} aria-busy={view.isLive} className="group pt-5">
      <AnswerHead model={message.model} at={view.startedAt} />
      <Edited message={message}>
        <AnswerParts view={view} turn={message.turn ?? ""} />
      </Edited>
      {view.isLive && view.open === null && <Waiting view={view} model={message.model} isUnsent={retry !== null} />}
      {view.status === "failed" && <ErrorCard view={view} onRetry={askAgain} />}
      <AnswerFoot view={view} message={message} onRetry={askAgain} />
    </article>
  );
}

function AnswerHead({ model, at }: { model: string; at: number }) {
  const { t, i18n } = useTranslation();
  return (
    <header className="flex h-7 items-center gap-2 text-[0.8125rem] text-quiet">
      <h2 className="truncate font-medium text-accent" title={model}>
        {model === "builtin/log-reader" ? t("models.log_reader") : shortName(model) || t("conversation.answer")}
      </h2>
      <time dateTime={new Date(at).toISOString()} title={fullTime(at, i18n.language)}>
        {clock(at, i18n.language)}
      </time>
    </header>
  );
}
