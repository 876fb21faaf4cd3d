import "@/features/assistants/words";

import { Check } from "lucide-react";
import { useId, useState } from "react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { searchAssistants } from "@/features/assistants/search-assistants";
import { useAssistants } from "@/shared/data/assistants";
import { isComposing } from "@/shared/keyboard/composing";
import { classNames } from "@/shared/ui/class-names";
import type { Assistant } from "@/shared/wire/resources";

interface AssistantListProps {
  value: string;
  onChoose(assistant: Assistant | undefined): void;
}

/** Undefined is no assistant at all; it can be found like any other. */
type Entry = Assistant | undefined;

const idOf = (entry: Entry) => entry?.id ?? "";

/** A combobox: the field keeps the focus, arrows move through the list, Enter chooses. */
export function AssistantList({ value, onChoose }: AssistantListProps) {
  const { t } = useTranslation();
  const id = useId();
  const assistants = useAssistants().data ?? [];
  const [search, setSearch] = useState("");
  const [active, setActive] = useState(value);
  const entries: Entry[] = [...(search.trim() === "" ? [undefined] : []), ...searchAssistants(assistants, search)];
  const found = entries.findIndex((entry) => idOf(entry) === active);
  const at = Math.max(found, 0);
  const option = (entry: Entry) => `${id}-${idOf(entry) || "none"}`;

  const press = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") {
      if (entries.length > 0) onChoose(entries[at]);
    } else if (step !== undefined) show((at + step + entries.length) % entries.length);
    else return;
    event.preventDefault();
  };
  const show = (next: number) => {
    if (entries.length === 0) return;
    setActive(idOf(entries[next]));
    document.getElementById(option(entries[next]))?.scrollIntoView({ block: "nearest" });
  };

  return (
    <div className="flex max-h-[min(26rem,60dvh)] flex-col">
      <div className="border-b border-line p-1.5">
        <input
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={entries.length > 0 ? option(entries[at]) : undefined}
          aria-label={t("assistants.search")}
          placeholder={t("assistants.search")}
          autoFocus
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          onKeyDown={press}
          className="h-9 w-full bg-transparent px-2.5 text-sm outline-none placeholder:text-quiet"
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label={t("composer.assistant")} className="min-h-0 flex-1 overflow-y-auto p-1.5">
        {entries.map((entry, index) => (
          <AssistantOption
            key={option(entry)}
            id={option(entry)}
            assistant={entry}
            isChosen={idOf(entry) === value}
            isActive={index === at}
            onChoose={onChoose}
          />
        ))}
      </div>
      {entries.length === 0 && <p className="px-4 pb-5 text-center text-sm text-quiet">{t("assistants.nothing_found")}</p>}
      <footer className="flex justify-end border-t border-line px-4 py-2 text-sm">
        <Link href="/settings/assistants" className="rounded-sm font-medium text-accent hover:underline">
          {t("assistants.manage")}
        </Link>
      </footer>
    </div>
  );
}

interface AssistantOptionProps {
  id: string;
  assistant: Entry;
  isChosen: boolean;
  isActive: boolean;
  onChoose(assistant: Entry): void;
}

function AssistantOption({ id, assistant, isChosen, isActive, onChoose }: AssistantOptionProps) {
  const { t } = useTranslation();
  const hint = assistant ? assistant.description : t("composer.no_assistant_hint");
  return (
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the keyboard works through the combobox's field
    <div
      id={id}
      role="option"
      data-active={isActive || undefined}
      tabIndex={-1}
      aria-selected={isChosen}
      onClick={() => onChoose(assistant)}
      className={classNames("flex min-h-9 items-start gap-2.5 rounded-sm px-2.5 py-2 text-sm hover:bg-hover", isActive && "bg-hover")}
    >
      <span className="mt-0.5 size-4 shrink-0 text-accent">{isChosen && <Check size={16} aria-hidden />}</span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{assistant?.name ?? t("composer.no_assistant")}</span>
        {hint && <span className="line-clamp-2 text-quiet wrap-anywhere">{hint}</span>}
      </span>
      {assistant?.kind === "shared" && <span className="shrink-0 pt-0.5 text-xs text-quiet">{t("assistants.shared")}</span>}
    </div>
  );
}
