import { useTranslation } from "react-i18next";

import type { AnswerView } from "@/features/conversation/answer-view";
import { CopyAction, RetryAction, SawAction } from "@/features/conversation/message-actions";
import { EditedNote } from "@/features/conversation/editing";
import { MarkActions, MarkNote } from "@/features/conversation/message-marks";
import { plainText } from "@/features/conversation/rows";
import { EditAction, MoreActions, Switcher } from "@/features/conversation/tree-actions";
import { clock, seconds } from "@/shared/time/format";
import type { Message } from "@/shared/wire/resources";

/** Copy and retry, then what can be said of the answer: stopped, continued, how long, how much. */
interface AnswerFootProps {
  view: AnswerView;
  message: Message;
  onRetry(): void;
}

export function AnswerFoot({ view, message, onRetry }: AnswerFootProps) {
  if (view.isLive) return <ContinuedNote view={view} />;
  const text = plainText(view.parts);
  return (
    <footer className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1 pt-1 text-xs text-quiet">
      <Switcher message={message} />
      <span className="qd-actions -ml-1.5 flex">
        {text !== "" && <CopyAction text={text} />}
        <RetryAction onRetry={onRetry} disabled={false} />
        {message.turn !== null && <SawAction turn={message.turn} />}
        <EditAction message={message} />
        <MarkActions message={message} />
        <MoreActions message={message} />
      </span>
      <EditedNote message={message} />
      <MarkNote message={message} />
      <ShortenedNote view={view} />
      <StoppedNote view={view} />
      <ContinuedNote view={view} />
      <Figures view={view} />
    </footer>
  );
}

function ShortenedNote({ view }: { view: AnswerView }) {
  const { t } = useTranslation();
  return view.isShortened ? <span>{t("conversation.shortened")}</span> : null;
}

function StoppedNote({ view }: { view: AnswerView }) {
  const { t } = useTranslation();
  return view.status === "stopped" ? <span className="font-medium text-soft">{t("conversation.stopped")}</span> : null;
}

function ContinuedNote({ view }: { view: AnswerView }) {
  const { t, i18n } = useTranslation();
  const last = view.continuations.at(-1);
  if (!last) return null;
  return (
    <span className="inline-flex items-center gap-1.5 text-xs text-brass-ink">
      <span aria-hidden className="size-2 rotate-45 rounded-[2px] border-[1.5px] border-brass" />
      {t("conversation.continued_at", { time: clock(last.at, i18n.language) })}
    </span>
  );
}

function Figures({ view }: { view: AnswerView }) {
  const { t, i18n } = useTranslation();
  const { usage, firstTokenMs } = view;
  const figures = [
    firstTokenMs === null || firstTokenMs < LEAST_MS ? null : t("conversation.first_word", { seconds: seconds(firstTokenMs, i18n.language) }),
    usage.output_tokens ? t("conversation.tokens", { count: usage.output_tokens }) : null,
    usage.cost ? new Intl.NumberFormat(i18n.language, COST).format(usage.cost) : null,
  ].filter((figure) => figure !== null);
  if (figures.length === 0) return null;
  return <span className="tabular">{figures.join(" · ")}</span>;
}

const LEAST_MS = 20; // less is nobody's waiting

const COST: Intl.NumberFormatOptions = {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
};
