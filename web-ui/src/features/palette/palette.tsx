import { Search } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useDeferredValue, useId, useState } from "react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { rankCommands } from "@/features/palette/rank-commands";
import { isComposing } from "@/shared/keyboard/composing";
import { classNames } from "@/shared/ui/class-names";
import { Dialog } from "@/shared/ui/dialog";
import { Kbd } from "@/shared/ui/kbd";

export interface Command {
  id: string;
  group: string;
  label: string;
  /** More words it is found by. */
  words?: string;
  note?: string;
  keys?: string;
  icon: LucideIcon;
  run(): void;
}

interface PaletteProps {
  commands: Command[];
  /** What is typed, for lists that the server searches. */
  onSearch(search: string): void;
  onClose(): void;
}

export function Palette({ commands, onSearch, onClose }: PaletteProps) {
  const { t } = useTranslation();
  const id = useId();
  const [search, setSearch] = useState("");
  const [active, setActive] = useState(0);
  const found = rankCommands(commands, useDeferredValue(search));
  const current = found[Math.min(active, found.length - 1)];
  // Who types fast presses Enter before the list has caught up: what was typed counts, not what is shown.
  const match = (typed: string) => {
    const ranked = rankCommands(commands, typed);
    return ranked[Math.min(active, ranked.length - 1)];
  };
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const press = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") run(match(search));
    else if (step !== undefined && found.length > 0) move((active + step + found.length) % found.length);
    else return;
    event.preventDefault();
  };
  const move = (index: number) => {
    setActive(index);
    document.getElementById(`${id}-${found[index]?.id}`)?.scrollIntoView({ block: "nearest" });
  };
  const type = (text: string) => {
    setSearch(text);
    setActive(0);
    onSearch(text.trim());
  };
  return (
    <Dialog title={t("palette.title")} bare onClose={onClose} className="w-[min(38rem,calc(100vw-1.5rem))] overflow-hidden">
      <div className="flex max-h-[min(30rem,70dvh)] flex-col">
        <div className="flex items-center gap-3 border-b border-line px-4">
          <Search size={17} strokeWidth={1.75} aria-hidden className="text-quiet" />
          <input
            role="combobox"
            aria-expanded
            aria-controls={`${id}-list`}
            aria-activedescendant={current ? `${id}-${current.id}` : undefined}
            aria-label={t("palette.title")}
            placeholder={t("palette.placeholder")}
            autoFocus
            value={search}
            onChange={(event) => type(event.target.value)}
            onKeyDown={press}
            className="h-13 min-w-0 flex-1 bg-transparent text-base outline-none placeholder:text-quiet"
          />
        </div>
        <div id={`${id}-list`} role="listbox" aria-label={t("palette.title")} className="min-h-0 flex-1 overflow-y-auto p-2">
          {found.map((command, index) => (
            <CommandRow
              key={command.id}
              id={`${id}-${command.id}`}
              command={command}
              group={command.group === found[index - 1]?.group ? null : command.group}
              isActive={command === current}
              onRun={() => run(command)}
            />
          ))}
          {found.length === 0 && <p className="py-8 text-center text-sm text-quiet">{t("palette.nothing")}</p>}
        </div>
      </div>
    </Dialog>
  );
}

interface CommandRowProps {
  id: string;
  command: Command;
  group: string | null;
  isActive: boolean;
  onRun(): void;
}

function CommandRow({ id, command, group, isActive, onRun }: CommandRowProps) {
  const { icon: Icon, label, note, keys } = command;
  return (
    <>
      {group && (
        <p role="presentation" className="px-2.5 pt-2.5 pb-1 text-xs font-medium text-quiet">
          {group}
        </p>
      )}
      {/* The keyboard works through the combobox's field. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events */}
      <div
        id={id}
        role="option"
        data-active={isActive || undefined}
        tabIndex={-1}
        aria-selected={isActive}
        onClick={onRun}
        className={classNames("flex min-h-9 items-center gap-3 rounded-sm px-2.5 text-sm hover:bg-hover", isActive && "bg-hover")}
      >
        <Icon size={16} strokeWidth={1.75} aria-hidden className="shrink-0 text-quiet" />
        <span className="min-w-0 flex-1 truncate">{label}</span>
        {note && <span className="max-w-40 truncate text-xs text-quiet">{note}</span>}
        {keys && (
          <span className="[@media(hover:none)]:hidden">
            <Kbd keys={keys} />
          </span>
        )}
      </div>
    </>
  );
}
