import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { classNames } from "@/shared/ui/class-names";
import type { Snippet } from "@/shared/wire/resources";

interface SnippetListProps {
  id: string;
  snippets: readonly Snippet[];
  active: number;
  onChoose(snippet: Snippet): void;
}

/** Stands above the message field, which keeps the focus. */
export function SnippetList({ id, snippets, active, onChoose }: SnippetListProps) {
  const { t } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <ul
      ref={list}
      id={id}
      role="listbox"
      aria-label={t("composer.snippets")}
      className="absolute inset-x-0 bottom-full z-20 mb-2 max-h-64 overflow-y-auto rounded-md border border-line bg-raised p-1.5 shadow-float"
    >
      {snippets.map((snippet, index) => (
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the keyboard works through the message field
        <li
          key={snippet.id}
          id={`${id}-${index}`}
          role="option"
          data-active={index === active || undefined}
          aria-selected={index === active}
          tabIndex={-1}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onChoose(snippet)}
          className={classNames("flex min-h-9 items-baseline gap-3 rounded-sm px-2.5 py-1.5 text-sm hover:bg-hover", index === active && "bg-hover")}
        >
          <span className="max-w-1/2 shrink-0 truncate font-mono font-medium">/{snippet.name}</span>
          <span className="min-w-0 flex-1 truncate text-quiet">{snippet.text}</span>
        </li>
      ))}
    </ul>
  );
}
