import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { CopyAction } from "@/features/conversation/message-actions";
import { clock, fullTime } from "@/shared/time/format";

interface UserMessageProps {
  text: string;
  at: number;
  /** Its marks; unsent ones have none. */
  marks?: ReactNode;
  /** Shows the text, or what stands in its place. */
  body?: (said: ReactNode) => ReactNode;
  /** What is said below the text: on its way, waiting, refused. */
  state?: ReactNode;
}

export function UserMessage({ text, at, marks, body = (said) => said, state }: UserMessageProps) {
  const { t, i18n } = useTranslation();
  return (
    <article aria-label={t("conversation.you")} className="group pt-7">
      <header className="flex h-7 items-center gap-2 text-[0.8125rem] text-quiet">
        <h2 className="font-semibold text-ink">{t("conversation.you")}</h2>
        <time dateTime={new Date(at).toISOString()} title={fullTime(at, i18n.language)}>
          {clock(at, i18n.language)}
        </time>
        <span className="qd-actions -my-1 ml-auto flex">
          <CopyAction text={text} />
          {marks}
        </span>
      </header>
      {body(<p className="qd-said text-ink">{text}</p>)}
      {state}
    </article>
  );
}
