import { ListFilter, Plus, Search } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { ForgottenList } from "@/features/memory/forgotten-list";
import { useMakeMemory, useMemories } from "@/features/memory/memory-data";
import { MemoryFilters } from "@/features/memory/memory-filters";
import { MemoryForm, useKeptMemory } from "@/features/memory/memory-form";
import type { KeptMemory } from "@/features/memory/memory-form";
import { MemoryRow } from "@/features/memory/memory-row";
import { NoMemories } from "@/features/memory/no-memories";
import { NO_FILTER, isFiltered } from "@/features/memory/wanted";
import type { Wanted } from "@/features/memory/wanted";
import { Listing } from "@/shared/table/listing";
import { More } from "@/shared/table/more";
import { Button } from "@/shared/ui/button";
import { FIELD } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";
import type { Memory, MemoryDraft } from "@/shared/wire/memories";

const EMPTY: MemoryDraft = { text: "", kind: "fact", valid_from: null, valid_to: null };

interface MemoriesProps {
  wanted: Wanted;
  onChange(change: Partial<Wanted>): void;
}

/** What is remembered: searched, filtered, the newest first. */
export function Memories({ wanted, onChange }: MemoriesProps) {
  const { t } = useTranslation();
  const [areFiltersShown, setAreFiltersShown] = useState(isFiltered(wanted));
  const [wantsNew, setWantsNew] = useState(false);
  const kept = useKeptMemory("new", EMPTY);
  const isWriting = wantsNew || kept.isKept;
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <SearchField value={wanted.q} onChange={(q) => onChange({ q })} />
        <Button kind="quiet" aria-expanded={areFiltersShown} onClick={() => setAreFiltersShown(!areFiltersShown)}>
          <ListFilter size={15} aria-hidden />
          {t("memory.filter")}
        </Button>
        <Button disabled={isWriting} onClick={() => setWantsNew(true)}>
          <Plus size={15} aria-hidden />
          {t("memory.new_short")}
        </Button>
      </div>
      {areFiltersShown && <MemoryFilters wanted={wanted} onChange={onChange} />}
      {isWriting && (
        <NewMemory kept={kept} onDone={() => setWantsNew(false)} onFind={(q) => onChange({ ...NO_FILTER, q })} />
      )}
      <ForgottenList />
      <List wanted={useDeferredValue(wanted)} />
    </div>
  );
}

function List({ wanted }: { wanted: Wanted }) {
  const { t } = useTranslation();
  const query = useMemories(wanted);
  const { memories, isPlaceholderData, hasNextPage } = query;
  const isNarrowed = wanted.q.trim() !== "" || isFiltered(wanted);
  if (query.isSuccess && memories.length === 0 && !isNarrowed) return <NoMemories />;
  return (
    <section aria-label={t("memory.list")} aria-busy={isPlaceholderData}>
      <p role="status" className="pb-1 text-xs text-quiet">
        {query.isSuccess && memories.length > 0 && (hasNextPage ? t("memory.count_more", { count: memories.length }) : t("memory.count", { count: memories.length }))}
      </p>
      <Listing query={query} isEmpty={memories.length === 0} empty={t("memory.nothing_found")}>
        <ul className="border-t border-line">
          {memories.map((memory) => (
            <MemoryRow key={memory.id} memory={memory} />
          ))}
        </ul>
        <More query={query} />
      </Listing>
    </section>
  );
}

interface NewMemoryProps {
  kept: KeptMemory;
  onDone(): void;
  /** Looks for a memory by what it says. */
  onFind(text: string): void;
}

function NewMemory({ kept, onDone, onFind }: NewMemoryProps) {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useMakeMemory();
  const finish = ({ made, isNew }: { made: Memory; isNew: boolean }) => {
    kept.drop();
    onDone();
    if (!isNew) showToast(t("memory.known"), { label: t("memory.show_known"), run: () => onFind(made.text.slice(0, 200)), isNoUndo: true });
  };
  return (
    <div className="border-y border-line py-4">
      <MemoryForm
        kept={kept}
        start={EMPTY}
        label={t("memory.new")}
        isPending={isPending}
        error={error?.message}
        onSave={(draft) => mutate(draft, { onSuccess: finish })}
        onCancel={onDone}
      />
    </div>
  );
}

function SearchField({ value, onChange }: { value: string; onChange(value: string): void }) {
  const { t } = useTranslation();
  return (
    <div className="relative flex-1 max-sm:basis-full">
      <Search size={15} strokeWidth={1.75} aria-hidden className="pointer-events-none absolute top-2.5 left-3 text-quiet" />
      <input
        type="search"
        value={value}
        maxLength={200}
        aria-label={t("memory.search")}
        placeholder={t("memory.search")}
        onChange={(event) => onChange(event.target.value)}
        className={`${FIELD} pl-9`}
      />
    </div>
  );
}
