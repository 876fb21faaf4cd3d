import { Brain, Lightbulb, PanelLeftClose, Plus, Search, Settings, TextSearch, X } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { Suspense, useDeferredValue, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";

import { ConversationList } from "@/features/sidebar/conversation-list";
import { FolderRows } from "@/features/sidebar/folder-rows";
import { useKeptFocus } from "@/features/sidebar/use-kept-focus";
import { useSelection } from "@/features/sidebar/use-selection";
import { UserMenu } from "@/features/sidebar/user-menu";
import type { Among } from "@/shared/data/conversations";
import { useMe } from "@/shared/data/me";
import { useOrganize } from "@/shared/data/organizing";
import { isComposing } from "@/shared/keyboard/composing";
import { late } from "@/shared/late/late";
import { DialogNotLoaded, NotLoaded } from "@/shared/late/not-loaded";
import { classNames } from "@/shared/ui/class-names";
import { IconButton } from "@/shared/ui/icon-button";
import { Kbd } from "@/shared/ui/kbd";
import { Mark } from "@/shared/ui/mark";
import type { BulkAction, Conversation } from "@/shared/wire/resources";

const AmongHeader = late(() => import("@/features/sidebar/among-header"), "AmongHeader", ({ onBack }) => (
  <NotLoaded onClose={onBack} />
));
const BulkBar = late(() => import("@/features/sidebar/bulk-bar"), "BulkBar", ({ onEnd }) => <NotLoaded onClose={onEnd} />);
const MoveDialog = late(() => import("@/features/sidebar/move-dialog"), "MoveDialog", DialogNotLoaded);

interface SidebarProps {
  current: string | null;
  onNew(): void;
  onCollapse(): void;
  onPalette(): void;
  /** Called when something was opened: on a phone the sidebar then slides away. */
  onOpen(): void;
  onDelete(conversation: Conversation): void;
  /** These are gone or put away; the open one may be among them. */
  onGone(ids: string[]): void;
}

/** `name`: of the folder. */
type Shown = Among & { name?: string };

export function Sidebar({ current, onNew, onCollapse, onPalette, onOpen, onDelete, onGone }: SidebarProps) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [among, setAmong] = useState<Shown>({ kind: "all" });
  const [moving, setMoving] = useState<string[] | null>(null);
  const selection = useSelection();
  const { part, ids: loaded, listeners, noteRows, mend } = useKeptFocus();
  const organize = useOrganize();
  const isGuest = useMe(({ role }) => role === "guest");
  useEffect(mend, [mend, selection.isOn, among]);
  const { begin, end, ids: selected } = selection;
  const actions = useMemo(
    () => ({
      onOrganize: (action: BulkAction, id: string) => organize(action, [id]),
      onMove: (id: string) => setMoving([id]),
      onSelect: begin,
      onDelete,
    }),
    [organize, begin, onDelete],
  );
  const together = (action: BulkAction, folder?: string | null) => {
    organize(action, [...selected], folder, action === "delete" ? onGone : undefined);
    end();
  };
  const show = (next: Shown) => {
    end();
    setAmong(next);
  };
  return (
    <div ref={part} {...listeners} className="flex h-full flex-col bg-sunken">
      <div className="flex h-13 shrink-0 items-center gap-2 pr-2 pl-4.5">
        <Mark className="size-5" />
        <span className="flex-1 text-[0.9375rem] font-semibold tracking-[-0.01em]">{t("sidebar.name")}</span>
        <IconButton data-sidebar-button icon={PanelLeftClose} label={t("sidebar.collapse")} onClick={onCollapse} />
      </div>
      <div className="flex flex-col gap-2 px-2 pt-1 pb-1">
        <button
          type="button"
          onClick={onNew}
          className="flex min-h-9 items-center gap-2.5 rounded-sm px-2.5 text-sm font-medium text-ink transition-colors hover:bg-hover"
        >
          <Plus size={17} strokeWidth={1.75} aria-hidden className="text-accent" />
          {t("sidebar.new")}
        </button>
        <SearchField value={search} onChange={setSearch} onPalette={onPalette} />
      </div>
      <Suspense>
        {among.kind !== "all" && (
          <AmongHeader
            folder={among.kind === "folder" ? among.id : null}
            name={among.name ?? t("sidebar.archive")}
            onRenamed={(name) => setAmong({ ...among, name })}
            onBack={() => show({ kind: "all" })}
          />
        )}
      </Suspense>
      <ConversationList
        search={useDeferredValue(search.trim())}
        among={among}
        current={current}
        selection={selection}
        actions={actions}
        onOpen={onOpen}
        onLoaded={noteRows}
      />
      <Suspense>
        {selection.isOn && (
          <BulkBar
            count={selected.size}
            isArchive={among.kind === "archive"}
            onAll={() => selection.add(loaded.current)}
            onPin={() => together("pin")}
            onArchive={() => together(among.kind === "archive" ? "unarchive" : "archive")}
            onMove={() => setMoving([...selected])}
            onDelete={() => together("delete")}
            onEnd={end}
            onKeyDown={selection.leave}
          />
        )}
        {moving && (
          <MoveDialog
            onMove={(folder) => {
              organize("move", moving, folder);
              end();
            }}
            onClose={() => setMoving(null)}
          />
        )}
      </Suspense>
      {!isGuest && among.kind === "all" && !selection.isOn && (
        <FolderRows
          onFolder={({ id, name }) => show({ kind: "folder", id, name })}
          onArchive={() => show({ kind: "archive" })}
          onOpen={onOpen}
        />
      )}
      <footer className="flex flex-col gap-px border-t border-line p-2">
        {!isGuest && (
          <>
            <Place href="/search" icon={TextSearch} label={t("sidebar.search_messages")} onOpen={onOpen} />
            <Place href="/ideas" icon={Lightbulb} label={t("sidebar.ideas")} onOpen={onOpen} />
            <Place href="/memory" icon={Brain} label={t("sidebar.memory")} onOpen={onOpen} />
            <Place href="/settings" icon={Settings} label={t("sidebar.settings")} onOpen={onOpen} />
          </>
        )}
        <UserMenu onOpen={onOpen} />
      </footer>
    </div>
  );
}

interface SearchFieldProps {
  value: string;
  onChange(value: string): void;
  onPalette(): void;
}

function SearchField({ value, onChange, onPalette }: SearchFieldProps) {
  const { t } = useTranslation();
  return (
    <div className="relative flex items-center">
      <Search size={15} strokeWidth={1.75} aria-hidden className="pointer-events-none absolute left-3 text-quiet" />
      <input
        type="text"
        role="searchbox"
        value={value}
        aria-label={t("sidebar.search")}
        placeholder={t("sidebar.search_short")}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || value === "" || isComposing(event)) return;
          event.preventDefault();
          onChange("");
        }}
        className="h-9 w-full rounded-sm border border-line bg-ground pr-16 pl-9 text-sm placeholder:text-quiet focus-visible:outline-offset-0"
      />
      <div className="absolute right-1">
        {value === "" ? (
          <button
            type="button"
            onClick={onPalette}
            title={t("sidebar.palette")}
            className="flex h-7 items-center rounded-xs px-1 max-sm:hidden [@media(hover:none)]:hidden"
          >
            <span className="sr-only">{t("sidebar.palette")}</span>
            <Kbd keys="mod+k" />
          </button>
        ) : (
          <IconButton icon={X} small label={t("ui.clear")} onClick={() => onChange("")} />
        )}
      </div>
    </div>
  );
}

interface PlaceProps {
  href: string;
  icon: LucideIcon;
  label: string;
  onOpen(): void;
}

function Place({ href, icon: Icon, label, onOpen }: PlaceProps) {
  const [location] = useLocation();
  const isHere = location.startsWith(href);
  return (
    <Link
      href={href}
      onClick={onOpen}
      aria-current={isHere ? "page" : undefined}
      className={classNames(
        "flex min-h-9 items-center gap-2.5 rounded-sm px-2.5 text-sm transition-colors hover:bg-hover",
        isHere ? "bg-hover font-medium text-ink" : "text-soft",
      )}
    >
      <Icon size={17} strokeWidth={1.75} aria-hidden className="text-quiet" />
      <span className="flex-1">{label}</span>
    </Link>
  );
}
