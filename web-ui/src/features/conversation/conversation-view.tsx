import { useCallback, useMemo } from "react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";

import { Announcer } from "@/features/conversation/announcer";
import { MessageList } from "@/features/conversation/message-list";
import type { LogLineSlot } from "@/features/conversation/message-list";
import { MessagesSkeleton } from "@/features/conversation/messages-skeleton";
import { buildRows } from "@/features/conversation/rows";
import { useOutbox } from "@/shared/connection/outbox";
import { useSummaries } from "@/shared/data/context";
import { useMessages } from "@/shared/data/messages";
import { ProblemError } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";

interface ConversationViewProps {
  conversation: string;
  /** False while the server does not know it yet: its first message is still on its way. */
  isStored: boolean;
  LogLine?: ComponentType<LogLineSlot>;
}

export function ConversationView({ conversation, isStored, LogLine }: ConversationViewProps) {
  const { t } = useTranslation();
  const outbox = useOutbox((state) => state.entries);
  const query = useMessages(conversation, isStored);
  const { messages, hasNextPage, fetchNextPage } = query;
  const summaries = useSummaries(conversation, isStored ? messages[0]?.id : undefined).data?.items;
  const rows = useMemo(
    () => buildRows(messages, outbox.filter((entry) => entry.conversation === conversation), summaries),
    [messages, outbox, conversation, summaries],
  );
  const loadOlder = useCallback(() => fetchNextPage(), [fetchNextPage]);
  const running = messages.find((message) => message.status === "running")?.turn ?? null;

  if (query.isPending && isStored && rows.length === 0) return <MessagesSkeleton />;
  if (query.isError && rows.length === 0) {
    // What the note above the message field says, no second try would change.
    if (query.error instanceof ProblemError && query.error.status === 404) return <div className="flex-1" />;
    return (
      <div className="qd-column flex flex-1 flex-col items-start gap-3 pt-16 text-sm">
        <p className="font-medium">{t("conversation.load_failed")}</p>
        <p className="text-quiet">{query.error.message}</p>
        <Button onClick={() => void query.refetch()}>{t("ui.try_again")}</Button>
      </div>
    );
  }
  return (
    <>
      <MessageList key={conversation} rows={rows} loadOlder={hasNextPage ? loadOlder : null} LogLine={LogLine} />
      <Announcer turn={running} />
    </>
  );
}
