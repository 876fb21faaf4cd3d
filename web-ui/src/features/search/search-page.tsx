import { Search } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch as useQueryString } from "wouter";

import "@/features/search/words";
import { isFiltered, readWanted, useSearch, writeWanted } from "@/features/search/search-data";
import type { Wanted } from "@/features/search/search-data";
import { SearchFilters } from "@/features/search/search-filters";
import { SearchHit } from "@/features/search/search-hit";
import { useToday } from "@/shared/time/use-today";
import { Button } from "@/shared/ui/button";
import { FIELD } from "@/shared/ui/field";

/** Search in everything; what is searched for stands in the address, so that one comes back to it. */
export function SearchPage({ sidebarButton }: { sidebarButton?: ReactNode }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const query = useQueryString();
  const wanted = useMemo(() => readWanted(query), [query]);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const change = (part: Partial<Wanted>) => {
    const next = writeWanted({ ...wanted, ...part });
    navigate(`/search${next && `?${next}`}`, { replace: true });
  };
  return (
    <>
      <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line px-3">
        {sidebarButton}
        <h1 className="px-1.5 text-[0.9375rem] font-semibold">{t("search.title")}</h1>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex max-w-3xl flex-col gap-5 px-4 pt-6 pb-12">
          <div className="relative">
            <Search size={17} strokeWidth={1.75} aria-hidden className="pointer-events-none absolute top-3 left-3 text-quiet" />
            <input
              ref={field}
              type="search"
              value={wanted.q}
              maxLength={1000}
              aria-label={t("search.field")}
              placeholder={t("search.placeholder")}
              onChange={(event) => change({ q: event.target.value })}
              className={`${FIELD} min-h-11 pl-10 text-base`}
            />
          </div>
          <SearchFilters wanted={wanted} onChange={change} />
          <Results wanted={useDeferredValue(wanted)} />
        </div>
      </div>
    </>
  );
}

function Results({ wanted }: { wanted: Wanted }) {
  const { t } = useTranslation();
  const now = useToday();
  const { hits, error, isSuccess, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useSearch(wanted);
  if (wanted.q.trim() === "" && !isFiltered(wanted)) {
    return <p className="text-sm leading-6 text-quiet text-pretty">{t("search.hint")}</p>;
  }
  if (error) {
    return (
      <p role="alert" className="text-sm">
        {error.message} <Button onClick={() => void refetch()}>{t("ui.try_again")}</Button>
      </p>
    );
  }
  const count = hits.length;
  const found = hasNextPage ? t("search.found_more", { count }) : t("search.found", { count });
  return (
    <section aria-label={t("search.results")}>
      <p role="status" className="px-3 text-sm text-quiet">
        {isSuccess && (count === 0 ? t("search.nothing") : found)}
      </p>
      <ol className="mt-2 flex flex-col gap-1">
        {hits.map((hit) => (
          <SearchHit key={hit.message} hit={hit} now={now} />
        ))}
      </ol>
      {hasNextPage && (
        <Button className="mt-4 ml-3" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("search.more")}
        </Button>
      )}
    </section>
  );
}
