import { Copy, Download, Search } from "lucide-react";
import { useDeferredValue, useState } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { download, nameExport, toMarkdown } from "@/features/ideas/export-ideas";
import { IdeaCard } from "@/features/ideas/idea-card";
import { useDeleteIdea, useIdeas, type Idea } from "@/features/ideas/ideas-data";
import { NoIdeas } from "@/features/ideas/ideas-panel";
import { shortDay, startOfDay } from "@/shared/time/format";
import { Button } from "@/shared/ui/button";
import { copyText } from "@/shared/ui/copy-text";
import { FIELD } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

const SHOWN_AT_ONCE = 300;

function matches(idea: Idea, title: string, search: string): boolean {
  const text = `${idea.text}\n${title}`.toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function groupByDay(ideas: readonly Idea[]): [number, Idea[]][] {
  const days = new Map<number, Idea[]>();
  for (const idea of ideas) {
    const day = startOfDay(idea.created_at);
    const ofDay = days.get(day);
    if (ofDay) ofDay.push(idea);
    else days.set(day, [idea]);
  }
  return [...days];
}

type ToolsProps = { ideas: readonly Idea[]; titleOf: (idea: Idea) => string };

function Tools({ ideas, titleOf }: ToolsProps) {
  const { t } = useTranslation();
  const copyAll = async () => {
    const isCopied = await copyText(toMarkdown(ideas, titleOf));
    showToast(isCopied ? t("ideas.copied_all", { count: ideas.length }) : t("ideas.not_copied"));
  };
  return (
    <div className="ideas-tools">
      <Button kind="quiet" onClick={() => void copyAll()} disabled={ideas.length === 0}>
        <Copy size={15} aria-hidden />
        {t("ideas.copy_all")}
      </Button>
      <Button
        kind="quiet"
        onClick={() => download(nameExport(Date.now()), toMarkdown(ideas, titleOf))}
        disabled={ideas.length === 0}
      >
        <Download size={15} aria-hidden />
        {t("ideas.download")}
      </Button>
    </div>
  );
}

type BoardProps = { ideas: readonly Idea[]; titleOf: (idea: Idea) => string };

function Board({ ideas, titleOf }: BoardProps) {
  const { t, i18n } = useTranslation();
  const remove = useDeleteIdea();
  const [limit, setLimit] = useState(SHOWN_AT_ONCE);
  const [now] = useState(() => Date.now());
  const language = i18n.resolvedLanguage ?? "en";
  return (
    <>
      {groupByDay(ideas.slice(0, limit)).map(([day, ofDay]) => (
        <section key={day} aria-labelledby={`day-${day}`}>
          <h2 className="ideas-day" id={`day-${day}`}>
            {shortDay(day, now, language)}
          </h2>
          <ul className="ideas-board">
            {ofDay.map((idea) => (
              <IdeaCard key={idea.id} idea={idea} origin={titleOf(idea)} onDelete={remove.mutate} />
            ))}
          </ul>
        </section>
      ))}
      {ideas.length > limit ? (
        <Button className="mt-6" onClick={() => setLimit(limit + SHOWN_AT_ONCE)}>
          {t("ideas.more", { count: ideas.length - limit })}
        </Button>
      ) : null}
    </>
  );
}

type SearchFieldProps = { value: string; onChange: (value: string) => void };

function SearchField({ value, onChange }: SearchFieldProps) {
  const { t } = useTranslation();
  return (
    <div className="ideas-search">
      <Search size={15} aria-hidden />
      <input
        type="search"
        className={`${FIELD} pl-8`}
        value={value}
        aria-label={t("ideas.search")}
        placeholder={t("ideas.search")}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

/** A board of the ideas of all conversations, newest first. */
export function IdeasPage({ sidebarButton }: { sidebarButton?: ReactNode }) {
  const { t } = useTranslation();
  const { ideas, isPending, error, refetch } = useIdeas(null);
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim());
  const titleOf = (idea: Idea) => idea.title || t("ideas.no_title");
  const found = wanted === "" ? ideas : ideas.filter((idea) => matches(idea, titleOf(idea), wanted));
  return (
    <>
      <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line px-3">
        {sidebarButton}
        <h1 className="px-1.5 text-[0.9375rem] font-semibold">{t("ideas.title")}</h1>
        <p className="ideas-count" aria-live="polite">
          {ideas.length > 0 ? t("ideas.count", { count: found.length }) : null}
        </p>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="ideas-page">
          {ideas.length > 0 ? (
            <div className="ideas-head">
              <SearchField value={search} onChange={setSearch} />
              <Tools ideas={found} titleOf={titleOf} />
            </div>
          ) : null}
          {error ? (
            <p className="ideas-note" role="alert">
              {error.message} <Button onClick={() => void refetch()}>{t("ui.try_again")}</Button>
            </p>
          ) : null}
          {!isPending && !error && ideas.length === 0 ? <NoIdeas /> : null}
          {ideas.length > 0 && found.length === 0 ? <p className="ideas-note">{t("ideas.nothing_found")}</p> : null}
          <Board ideas={found} titleOf={titleOf} />
        </div>
      </div>
    </>
  );
}
