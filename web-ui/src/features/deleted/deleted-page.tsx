import "@/features/deleted/words";

import { useEffect, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { EraseDialog } from "@/features/deleted/erase-dialog";
import { useConversations } from "@/shared/data/conversations";
import { useOrganize } from "@/shared/data/organizing";
import { Page } from "@/shared/form/page";
import { Listing } from "@/shared/table/listing";
import { More } from "@/shared/table/more";
import { RowAction } from "@/shared/table/row-action";
import { shortDay } from "@/shared/time/format";
import { useToday } from "@/shared/time/use-today";
import { Button } from "@/shared/ui/button";
import type { Conversation } from "@/shared/wire/resources";

/** As the server keeps them. */
const KEPT_MS = 30 * 86_400_000;

/** What was deleted in the last 30 days: read, brought back, or erased for good. */
export function DeletedPage({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  const query = useConversations("", { kind: "deleted" });
  const { conversations } = query;
  const organize = useOrganize();
  const list = useRef<HTMLElement>(null);
  const [erasing, setErasing] = useState<Conversation | "all" | null>(null);
  useFocusWhenFewer(list, conversations.length);
  return (
    <Page title={t("sidebar.deleted")} sidebarButton={sidebarButton} nav={null}>
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 pb-6">
        <p className="max-w-[34rem] text-sm leading-6 text-quiet text-pretty">{t("deleted.lead")}</p>
        {conversations.length > 1 && (
          <Button kind="danger" onClick={() => setErasing("all")}>
            {t("deleted.erase_all")}
          </Button>
        )}
      </div>
      <section ref={list} tabIndex={-1} aria-label={t("deleted.list")} className="outline-none">
        <Listing query={query} isEmpty={conversations.length === 0} empty={t("deleted.empty")}>
          <ul className="border-t border-line">
            {conversations.map((conversation) => (
              <Row
                key={conversation.id}
                conversation={conversation}
                onRestore={() => organize("restore", [conversation.id])}
                onErase={() => setErasing(conversation)}
              />
            ))}
          </ul>
          <More query={query} />
        </Listing>
      </section>
      {erasing !== null && <EraseDialog what={erasing} onClose={() => setErasing(null)} />}
    </Page>
  );
}

/** With a row goes what had the focus in it, or led to the dialog: then the list has it. */
function useFocusWhenFewer(list: RefObject<HTMLElement | null>, count: number): void {
  const before = useRef(count);
  useEffect(() => {
    if (count < before.current && document.activeElement === document.body) list.current?.focus();
    before.current = count;
  }, [list, count]);
}

interface RowProps {
  conversation: Conversation;
  onRestore(): void;
  onErase(): void;
}

function Row({ conversation, onRestore, onErase }: RowProps) {
  const { t, i18n } = useTranslation();
  const now = useToday();
  const title = conversation.title || t("sidebar.untitled");
  const at = conversation.deleted_at ?? now;
  const shown = (time: number) => shortDay(time, now, i18n.language);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line py-2.5">
      <div className="min-w-0 flex-1 basis-60">
        <Link href={`/c/${conversation.id}`} className="block truncate text-[0.9375rem] leading-6 hover:text-accent hover:underline">
          {title}
        </Link>
        <p className="text-xs leading-5 text-quiet">
          {t("deleted.when", { day: shown(at) })} · {t("deleted.gone", { day: shown(at + KEPT_MS) })}
        </p>
      </div>
      <span className="-ml-2 flex shrink-0">
        <RowAction aria-label={t("deleted.restore_of", { title })} onClick={onRestore}>
          {t("deleted.restore")}
        </RowAction>
        <RowAction danger aria-label={t("deleted.erase_of", { title })} onClick={onErase}>
          {t("deleted.erase")}
        </RowAction>
      </span>
    </li>
  );
}
