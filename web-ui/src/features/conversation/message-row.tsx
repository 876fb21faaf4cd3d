import { memo } from "react";
import { useTranslation } from "react-i18next";

import { Answer } from "@/features/conversation/answer";
import type { Row } from "@/features/conversation/rows";
import { plainText } from "@/features/conversation/rows";
import { Edited, EditedNote } from "@/features/conversation/editing";
import { MarkActions, MarkNote } from "@/features/conversation/message-marks";
import { EditAction, MoreActions, Switcher } from "@/features/conversation/tree-actions";
import { Pictures } from "@/features/conversation/pictures";
import { SummaryMark } from "@/features/conversation/summary-mark";
import { UnsentMessage } from "@/features/conversation/unsent-message";
import { UserMessage } from "@/features/conversation/user-message";
import { daysBetween, shortDay } from "@/shared/time/format";
import { useToday } from "@/shared/time/use-today";

export const MessageRow = memo(function MessageRow({ row }: { row: Row }) {
  return (
    <div className="qd-column" data-row={row.id}>
      {row.day !== null && <DayMark at={row.day} />}
      {row.summary && <SummaryMark summary={row.summary} />}
      <RowBody row={row} />
    </div>
  );
}, isSameRow);

function RowBody({ row }: { row: Row }) {
  if (row.kind === "unsent") return <UnsentMessage entry={row.entry} />;
  if (row.message.role === "user") {
    const { message } = row;
    return (
      <UserMessage
        text={plainText(message.parts)}
        at={message.created_at}
        marks={
          <>
            <EditAction message={message} />
            <MarkActions message={message} />
            <MoreActions message={message} />
          </>
        }
        body={(said) => <Edited message={message}>{said}</Edited>}
        state={
          <>
            <Pictures parts={message.parts.filter((part) => part.kind === "image")} />
            <span className="flex flex-wrap items-center gap-x-3 text-xs text-quiet">
              <Switcher message={message} />
              <EditedNote message={message} />
              <MarkNote message={message} />
            </span>
          </>
        }
      />
    );
  }
  return <Answer message={row.message} retry={row.retry} />;
}

function DayMark({ at }: { at: number }) {
  const { t, i18n } = useTranslation();
  const today = useToday();
  const name = daysBetween(at, today) === 0 ? t("conversation.today") : shortDay(at, today, i18n.language);
  return (
    <p className="flex items-center gap-4 pt-7 text-xs font-medium text-quiet">
      <time dateTime={new Date(at).toISOString()}>{name}</time>
      <span aria-hidden className="h-px flex-1 bg-line" />
    </p>
  );
}

function isSameRow({ row: left }: { row: Row }, { row: right }: { row: Row }): boolean {
  if (left.kind === "unsent" || right.kind === "unsent") return left === right;
  return left.message === right.message && left.retry === right.retry && left.day === right.day && left.summary === right.summary;
}
