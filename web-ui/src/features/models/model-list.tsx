import { RefreshCw } from "lucide-react";
import { useId, useMemo, useState } from "react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { groupModels, searchModels } from "@/features/models/search-models";
import { LOG_READER, useModels, useRefreshModels } from "@/shared/data/models";
import { isComposing } from "@/shared/keyboard/composing";
import { tokens } from "@/shared/time/format";
import { classNames } from "@/shared/ui/class-names";
import { IconButton } from "@/shared/ui/icon-button";
import type { ModelProfile } from "@/shared/wire/generated";

const NO_LABELS: Record<string, string> = {};

interface ModelListProps {
  value: string;
  onChoose(model: string): void;
}

/** A combobox: the field keeps the focus, arrows move through the list, Enter chooses. */
export function ModelList({ value, onChoose }: ModelListProps) {
  const { t } = useTranslation();
  const id = useId();
  const models = useModels();
  const refresh = useRefreshModels();
  const [search, setSearch] = useState("");
  const [active, setActive] = useState<string | null>(null);
  const labels = models.data?.labels ?? NO_LABELS;
  const found = useMemo(() => searchModels(models.data?.items ?? [], search, labels), [models.data, search, labels]);
  const groups = useMemo(() => groupModels(found), [found]);
  const ordered = groups.flatMap((group) => group.models);
  const current = ordered.find((model) => model.id === active) ?? ordered.find((model) => model.id === value) ?? ordered[0];

  const press = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    const at = ordered.findIndex((model) => model.id === current?.id);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && current) onChoose(current.id);
    else if (step !== undefined) show(ordered[(at + step + ordered.length) % ordered.length]);
    else return;
    event.preventDefault();
  };
  const show = (model: ModelProfile | undefined) => {
    if (!model) return;
    setActive(model.id);
    document.getElementById(`${id}-${model.id}`)?.scrollIntoView({ block: "nearest" });
  };

  return (
    <div className="flex max-h-[min(28rem,60dvh)] flex-col">
      <div className="flex items-center gap-1 border-b border-line p-1.5">
        <input
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={current ? `${id}-${current.id}` : undefined}
          aria-label={t("models.search")}
          placeholder={t("models.search")}
          autoFocus
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setActive(null);
          }}
          onKeyDown={press}
          className="h-9 min-w-0 flex-1 bg-transparent px-2.5 text-sm outline-none placeholder:text-quiet"
        />
        <IconButton
          icon={RefreshCw}
          small
          label={t("models.refresh")}
          disabled={refresh.isPending}
          onClick={() => refresh.mutate()}
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label={t("models.choose")} className="min-h-0 flex-1 overflow-y-auto p-1.5">
        {groups.map((group) => (
          <div key={group.provider} role="group" aria-labelledby={`${id}-of-${group.provider}`} className="pb-1.5">
            <p id={`${id}-of-${group.provider}`} className="px-2.5 pt-1.5 pb-1 text-xs font-medium text-quiet">
              {group.provider === "builtin" ? t("models.builtin") : (labels[group.provider] ?? group.provider)}
            </p>
            {group.models.map((model) => (
              <ModelOption
                key={model.id}
                id={`${id}-${model.id}`}
                model={model}
                isChosen={model.id === value}
                isActive={model.id === current?.id}
                onChoose={onChoose}
              />
            ))}
          </div>
        ))}
        {ordered.length === 0 && <p className="px-2.5 py-6 text-center text-sm text-quiet">{t("models.nothing_found")}</p>}
      </div>
      <footer className="flex items-center justify-between gap-2 border-t border-line px-4 py-2 text-sm">
        <span className="truncate text-quiet">{models.data?.errors[0]?.message}</span>
        <Link href="/settings" className="shrink-0 rounded-sm font-medium text-accent hover:underline">
          {t("models.connect")}
        </Link>
      </footer>
    </div>
  );
}

interface ModelOptionProps {
  id: string;
  model: ModelProfile;
  isChosen: boolean;
  isActive: boolean;
  onChoose(model: string): void;
}

function ModelOption({ id, model, isChosen, isActive, onChoose }: ModelOptionProps) {
  const { t } = useTranslation();
  const isLogReader = model.id === LOG_READER;
  return (
    // The keyboard works through the combobox's field.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      data-active={isActive || undefined}
      tabIndex={-1}
      aria-selected={isChosen}
      onClick={() => onChoose(model.id)}
      className={classNames(
        "flex min-h-9 items-center gap-3 rounded-sm px-2.5 py-1 text-sm hover:bg-hover",
        isActive && "bg-hover",
        isChosen && "font-medium text-accent",
      )}
    >
      <span className="min-w-0 flex-1 truncate">{isLogReader ? t("models.log_reader") : model.name}</span>
      {model.can_reason && <span className="text-xs text-quiet">{t("models.reasons")}</span>}
      {model.context_window ? (
        <span className="tabular text-xs text-quiet" title={t("models.window", { count: model.context_window })}>
          {tokens(model.context_window)}
        </span>
      ) : null}
    </div>
  );
}
