import { memo, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { ItemMenu } from "@/features/sidebar/item-menu";
import type { ItemActions } from "@/features/sidebar/item-menu";
import { useRunning } from "@/shared/connection/running";
import { classNames } from "@/shared/ui/class-names";
import { TitleEditor } from "@/shared/ui/title-editor";
import type { Conversation } from "@/shared/wire/resources";

interface ConversationItemProps {
  conversation: Conversation;
  isCurrent: boolean;
  /** Null while nothing is being selected. */
  isSelected: boolean | null;
  onOpen(): void;
  onToggle(id: string): void;
  onRename(id: string, title: string): void;
  actions: ItemActions;
}

export const ConversationItem = memo(function ConversationItem(props: ConversationItemProps) {
  const { conversation, isCurrent, isSelected, onOpen, onToggle, onRename, actions } = props;
  const { t } = useTranslation();
  const [isRenaming, setIsRenaming] = useState(false);
  const link = useRef<HTMLAnchorElement>(null);
  const wasRenaming = useRef(false);
  useEffect(() => {
    if (wasRenaming.current && !isRenaming && document.activeElement === document.body) link.current?.focus();
    wasRenaming.current = isRenaming;
  }, [isRenaming]);
  const title = conversation.title || t("sidebar.untitled");
  if (isSelected !== null) {
    return (
      <label data-conversation={conversation.id} className="flex min-h-9 items-center gap-2.5 rounded-sm px-2.5 text-sm text-soft hover:bg-hover">
        <input
          type="checkbox"
          checked={isSelected}
          onChange={() => onToggle(conversation.id)}
          className="size-4 shrink-0 accent-accent"
        />
        <span className="truncate">{title}</span>
      </label>
    );
  }
  if (isRenaming) {
    const finish = (next: string | null) => {
      setIsRenaming(false);
      if (next !== null && next !== conversation.title) onRename(conversation.id, next);
    };
    return <TitleEditor title={title} onDone={finish} className="my-px w-full" />;
  }
  return (
    <div
      data-conversation={conversation.id}
      className={classNames(
        "group/item relative flex items-center rounded-sm transition-colors hover:bg-hover has-data-[state=open]:bg-hover",
        isCurrent && "bg-hover",
      )}
    >
      <Link
        ref={link}
        href={`/c/${conversation.id}`}
        onClick={onOpen}
        aria-current={isCurrent ? "page" : undefined}
        className={classNames(
          "flex min-h-9 min-w-0 flex-1 items-center gap-2 rounded-sm pr-2.5 pl-2.5 text-sm group-focus-within/item:pr-9 group-hover/item:pr-9 group-has-data-[state=open]/item:pr-9 [@media(hover:none)]:pr-9",
          isCurrent ? "font-medium text-ink" : "text-soft",
        )}
      >
        <span className="truncate" title={title}>
          {title}
        </span>
        <RunningMark conversation={conversation} />
      </Link>
      <div className="absolute right-1 opacity-0 transition-opacity group-focus-within/item:opacity-100 group-hover/item:opacity-100 has-data-[state=open]:opacity-100 [@media(hover:none)]:opacity-100">
        <ItemMenu conversation={conversation} title={title} actions={actions} onRename={() => setIsRenaming(true)} />
      </div>
    </div>
  );
});

function RunningMark({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation();
  const heard = useRunning((running) => running[conversation.id]);
  const isRunning = (heard === undefined ? conversation.running_turn : heard) !== null;
  if (!isRunning) return null;
  return <span role="img" aria-label={t("sidebar.running")} title={t("sidebar.running")} className="qd-dot size-1.5 shrink-0 rounded-full bg-accent" />;
}
