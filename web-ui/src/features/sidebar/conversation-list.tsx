import { useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Virtualizer } from "virtua";
import type { VirtualizerHandle } from "virtua";

import { ConversationItem } from "@/features/sidebar/conversation-item";
import { groupConversations } from "@/features/sidebar/group-conversations";
import type { SidebarRow } from "@/features/sidebar/group-conversations";
import { useChangeConversation, useConversations } from "@/shared/data/conversations";
import { useToday } from "@/shared/time/use-today";
import type { Conversation } from "@/shared/wire/resources";

interface ConversationListProps {
  search: string;
  current: string | null;
  onOpen(): void;
  onDelete(conversation: Conversation): void;
}

const NEAR_END_PX = 600;

export function ConversationList({ search, current, onOpen, onDelete }: ConversationListProps) {
  const { t, i18n } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { conversations, hasNextPage, isFetchingNextPage, fetchNextPage, isPending } = useConversations(search);
  const { mutate } = useChangeConversation();
  const today = useToday();
  const rows = useMemo(
    () =>
      groupConversations(conversations, today, i18n.language, {
        today: t("sidebar.today"),
        yesterday: t("sidebar.yesterday"),
        week: t("sidebar.week"),
      }),
    [conversations, today, i18n.language, t],
  );
  const rename = useMemo(() => (id: string, title: string) => mutate({ id, patch: { title } }), [mutate]);
  const look = () => {
    const handle = list.current;
    if (!handle || !hasNextPage || isFetchingNextPage) return;
    if (handle.scrollSize - handle.scrollOffset - handle.viewportSize < NEAR_END_PX) void fetchNextPage();
  };

  return (
    <nav aria-label={t("sidebar.conversations")} className="min-h-0 flex-1">
      <div ref={scroller} onScroll={look} className="h-full overflow-y-auto px-2 pb-3">
        <Virtualizer ref={list} scrollRef={scroller} data={rows} itemSize={36} bufferSize={400}>
          {(row: SidebarRow) =>
            row.kind === "group" ? (
              <h2 key={row.id} className="px-2.5 pt-5 pb-1.5 text-xs font-medium text-quiet">
                {row.label}
              </h2>
            ) : (
              <ConversationItem
                key={row.id}
                conversation={row.conversation}
                isCurrent={row.id === current}
                onOpen={onOpen}
                onRename={rename}
                onDelete={onDelete}
              />
            )
          }
        </Virtualizer>
        {rows.length === 0 && !isPending && (
          <p className="px-2.5 pt-6 text-sm leading-5 text-quiet">
            {search === "" ? t("sidebar.empty") : t("sidebar.nothing_found", { search })}
          </p>
        )}
      </div>
    </nav>
  );
}
