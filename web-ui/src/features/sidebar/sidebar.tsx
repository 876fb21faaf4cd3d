import { Lightbulb, PanelLeftClose, Plus, Search, Settings, X } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";

import { ConversationList } from "@/features/sidebar/conversation-list";
import { UserMenu } from "@/features/sidebar/user-menu";
import { useMe } from "@/shared/data/me";
import { classNames } from "@/shared/ui/class-names";
import { IconButton } from "@/shared/ui/icon-button";
import { Kbd } from "@/shared/ui/kbd";
import { Mark } from "@/shared/ui/mark";
import type { Conversation } from "@/shared/wire/resources";

interface SidebarProps {
  current: string | null;
  onNew(): void;
  onCollapse(): void;
  onPalette(): void;
  /** Called when something was opened: on a phone the sidebar then slides away. */
  onOpen(): void;
  onDelete(conversation: Conversation): void;
}

export function Sidebar({ current, onNew, onCollapse, onPalette, onOpen, onDelete }: SidebarProps) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const isGuest = useMe(({ role }) => role === "guest");
  return (
    <div className="flex h-full flex-col bg-sunken">
      <div className="flex h-13 shrink-0 items-center gap-2 pr-2 pl-4.5">
        <Mark className="size-5" />
        <span className="flex-1 text-[0.9375rem] font-semibold tracking-[-0.01em]">{t("sidebar.name")}</span>
        <IconButton icon={PanelLeftClose} label={t("sidebar.collapse")} onClick={onCollapse} />
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
      <ConversationList search={useDeferredValue(search.trim())} current={current} onOpen={onOpen} onDelete={onDelete} />
      <footer className="flex flex-col gap-px border-t border-line p-2">
        {!isGuest && (
          <>
            <Place href="/ideas" icon={Lightbulb} label={t("sidebar.ideas")} onOpen={onOpen} />
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
          if (event.key !== "Escape" || value === "") return;
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
