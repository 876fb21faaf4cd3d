import { ArrowDown } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { Virtualizer } from "virtua";
import type { VirtualizerHandle } from "virtua";

import type { LogEntry } from "@/features/conversation/log-entries";
import { logEntries } from "@/features/conversation/log-entries";
import { MessageRow } from "@/features/conversation/message-row";
import type { Row } from "@/features/conversation/rows";
import { useFollowEnd } from "@/features/conversation/use-follow-end";

export interface LogLineSlot {
  entries: LogEntry[];
  activeId: string | null;
  onTravel(id: string): void;
}

interface MessageListProps {
  rows: Row[];
  /** Loads older messages; null when there are none. */
  loadOlder: (() => Promise<unknown>) | null;
  /** The map beside the messages. */
  LogLine?: ComponentType<LogLineSlot> | undefined;
}

const EARLY_ROWS = 10;
const LINE_PX = 24;

export function MessageList({ rows, loadOlder, LogLine }: MessageListProps) {
  const { t } = useTranslation();
  const { scroller, inner, isAtEnd, toEnd, letGo, noteScroll } = useFollowEnd();
  const list = useRef<VirtualizerHandle>(null);
  const [activeId, setActiveId] = useState<string | null>(null);
  const [isPrepending, load] = useOlder(loadOlder);
  const entries = useMemo(() => logEntries(rows), [rows]);

  const look = useCallback(() => {
    const isFollowing = noteScroll();
    const [handle, element] = [list.current, scroller.current];
    if (!handle || !element) return;
    const top = handle.findItemIndex(element.scrollTop + LINE_PX); // the handle's own offset is one event late
    setActiveId((isFollowing ? rows.at(-1) : rows[top])?.id ?? null);
    if (top < EARLY_ROWS) load();
  }, [noteScroll, scroller, rows, load]);

  const travel = useCallback(
    (id: string) => {
      letGo();
      list.current?.scrollToIndex(rows.findIndex((row) => row.id === id), { align: "start" });
    },
    [letGo, rows],
  );

  useLinkedMessage(rows, travel, loadOlder === null || isPrepending ? null : load);

  const lastUnsent = rows.findLast((row) => row.kind === "unsent")?.id;
  useEffect(toEnd, [toEnd, lastUnsent]);

  return (
    <div className="relative min-h-0 flex-1">
      {LogLine && (
        <div className="qd-log-margin">
          <LogLine entries={entries} activeId={activeId ?? rows.at(-1)?.id ?? null} onTravel={travel} />
        </div>
      )}
      <section
        ref={scroller}
        aria-label={t("conversation.messages")}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={look}
        onClickCapture={(event) => (event.target as Element).closest("summary") && letGo()} // what unfolds stays where it is
        className="h-full overflow-y-auto overflow-x-clip [overflow-anchor:none] focus-visible:outline-offset-[-2px]"
      >
        <div ref={inner} className="pt-2 pb-10">
          <Virtualizer ref={list} scrollRef={scroller} shift={isPrepending} data={rows} bufferSize={600}>
            {(row) => <MessageRow key={row.id} row={row} />}
          </Virtualizer>
        </div>
      </section>
      {!isAtEnd && (
        <button
          type="button"
          onClick={toEnd}
          className="qd-rise absolute bottom-3 left-1/2 flex min-h-8 -translate-x-1/2 items-center gap-1.5 rounded-full border border-line bg-raised px-3.5 text-sm text-soft shadow-float hover:text-ink"
        >
          <ArrowDown size={15} strokeWidth={1.75} aria-hidden />
          {t("conversation.to_end")}
        </button>
      )}
    </div>
  );
}

/** An address that ends in `#m-…` leads to that message; older ones are loaded, page by page, until it is there. */
function useLinkedMessage(rows: Row[], travel: (id: string) => void, load: (() => void) | null): void {
  const linked = useSyncExternalStore(watchHash, () => /^#m-(.+)$/.exec(location.hash)?.[1] ?? null);
  const arrived = useRef<string | null>(null);
  useEffect(() => {
    if (linked === null || linked === arrived.current || rows.length === 0) return;
    if (rows.some((row) => row.id === linked)) {
      arrived.current = linked;
      requestAnimationFrame(() => travel(linked)); // when the rows around it have been laid out
    } else load?.();
  }, [linked, rows, travel, load]);
}

function watchHash(notify: () => void): () => void {
  addEventListener("hashchange", notify);
  return () => removeEventListener("hashchange", notify);
}

/** Older rows come in above: until they are laid out, the list keeps its distance from the end. */
function useOlder(loadOlder: (() => Promise<unknown>) | null): [boolean, () => void] {
  const [isPrepending, setIsPrepending] = useState(false);
  const isLoading = useRef(false);
  const load = useCallback(() => {
    if (!loadOlder || isLoading.current) return;
    isLoading.current = true;
    setIsPrepending(true);
    void loadOlder().finally(() =>
      requestAnimationFrame(() => {
        isLoading.current = false;
        setIsPrepending(false);
      }),
    );
  }, [loadOlder]);
  return [isPrepending, load];
}
