import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Virtualizer } from "virtua";
import type { VirtualizerHandle } from "virtua";

import { ConversationItem } from "@/features/sidebar/conversation-item";
import { groupConversations } from "@/features/sidebar/group-conversations";
import type { SidebarRow } from "@/features/sidebar/group-conversations";
import type { ItemActions } from "@/features/sidebar/item-menu";
import type { Selection } from "@/features/sidebar/use-selection";
import { useChangeConversation, useConversations } from "@/shared/data/conversations";
import type { Among } from "@/shared/data/conversations";
import { useToday } from "@/shared/time/use-today";
import { classNames } from "@/shared/ui/class-names";

interface ConversationListProps {
  search: string;
  among: Among;
  current: string | null;
  selection: Selection;
  actions: ItemActions;
  onOpen(): void;
  /** Told what is loaded, for whoever selects all of it. */
  onLoaded(ids: string[]): void;
}

const NEAR_END_PX = 600;
const EMPTY = { all: "sidebar.empty", archive: "sidebar.archive_empty", folder: "sidebar.folder_empty" };

export function ConversationList(props: ConversationListProps) {
  const { search, among, current, selection, actions, onOpen, onLoaded } = props;
  const { t, i18n } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { conversations, isFromLoaded, hasNextPage, isFetchingNextPage, fetchNextPage, isSuccess } = useConversations(search, among);
  useEffect(() => onLoaded(conversations.map(({ id }) => id)), [onLoaded, conversations]);
  const { mutate } = useChangeConversation();
  const today = useToday();
  const rows = useMemo(
    () =>
      groupConversations(conversations, today, i18n.language, {
        pinned: t("sidebar.pinned"),
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
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape is heard for all rows
    <nav
      aria-label={t("sidebar.conversations")}
      onKeyDown={selection.leave}
      className="flex min-h-0 flex-1 flex-col"
    >
      <p role="status" className={classNames("px-4.5 text-xs leading-5 text-quiet", isFromLoaded && "pt-2")}>
        {isFromLoaded && t(rows.length === 0 ? "sidebar.none_loaded" : "sidebar.only_loaded")}
      </p>
      <div ref={scroller} onScroll={look} className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">
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
                isSelected={selection.isOn ? selection.ids.has(row.id) : null}
                onOpen={onOpen}
                onToggle={selection.toggle}
                onRename={rename}
                actions={actions}
              />
            )
          }
        </Virtualizer>
        {rows.length === 0 && isSuccess && !isFromLoaded && (
          <p className="px-2.5 pt-6 text-sm leading-5 text-quiet">
            {search === "" ? t(EMPTY[among.kind]) : t("sidebar.nothing_found", { search })}
          </p>
        )}
      </div>
    </nav>
  );
}
