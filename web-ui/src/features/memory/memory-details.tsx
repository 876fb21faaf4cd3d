import { useId } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { day } from "@/features/memory/dates";
import { useMemory } from "@/features/memory/memory-data";
import { MemoryHistory } from "@/features/memory/memory-history";
import { Jump } from "@/features/memory/memory-line";
import { MemoryUses } from "@/features/memory/memory-uses";
import { useToday } from "@/shared/time/use-today";
import type { Memory, MemorySource } from "@/shared/wire/memories";

/** All that is known about a memory: its sources, what it replaced, where it was used, what became of it. */
export function MemoryDetails({ memory }: { memory: Memory }) {
  const { t } = useTranslation();
  const { sources, supersedes, superseded_by: by } = memory;
  return (
    <div className="mt-2 grid gap-x-8 gap-y-5 rounded-md bg-sunken px-4 py-4 text-sm sm:grid-cols-2">
      <Part title={t("memory.sources")}>
        {sources.length === 0 ? (
          <p className="text-quiet">{memory.origin === "import" ? t("memory.source_import") : t("memory.source_you")}</p>
        ) : (
          <ul className="flex flex-col gap-3">
            {sources.map((source) => (
              <Source key={source.message} source={source} />
            ))}
          </ul>
        )}
        {memory.origin === "derived" && <Confidence of={memory.confidence} />}
      </Part>
      <Part title={t("memory.uses")}>
        <MemoryUses memory={memory} />
      </Part>
      {(supersedes.length > 0 || by !== null) && (
        <Part title={by === null ? t("memory.replaced") : t("memory.replaced_by")}>
          <ul className="flex flex-col gap-2">
            {[...(by === null ? [] : [by]), ...supersedes].map((id) => (
              <Other key={id} id={id} />
            ))}
          </ul>
        </Part>
      )}
      <Part title={t("memory.history")}>
        <MemoryHistory memory={memory} />
      </Part>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="min-w-0">
      <h3 id={id} className="pb-1.5 text-xs font-semibold text-soft">
        {title}
      </h3>
      {children}
    </section>
  );
}

function Source({ source }: { source: MemorySource }) {
  const { t } = useTranslation();
  const { quote, title, version, current_version: current, is_gone: isGone } = source;
  return (
    <li>
      {quote && (
        <blockquote dir="auto" className="line-clamp-4 border-l-2 border-line-strong pl-3 leading-5 wrap-anywhere text-soft">
          {quote}
        </blockquote>
      )}
      <p className="flex flex-wrap items-center gap-x-3 text-xs text-quiet">
        {isGone ? (
          <span>{t("memory.source_gone")}</span>
        ) : (
          <Jump conversation={source.conversation} message={source.message}>
            {title || t("sidebar.untitled")}
          </Jump>
        )}
        {!isGone && current > version && <span>{t("memory.source_edited")}</span>}
      </p>
    </li>
  );
}

/** How sure the model was, in a word: a figure would say more than it knows. */
function Confidence({ of }: { of: number }) {
  const { t } = useTranslation();
  const text = of >= 0.8 ? t("memory.sure") : of >= 0.5 ? t("memory.fairly_sure") : t("memory.unsure");
  return <p className="pt-2 text-xs text-quiet">{text}</p>;
}

function Other({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const now = useToday();
  const { data, error } = useMemory(id);
  if (error) return <li className="text-quiet">{t("memory.other_gone")}</li>;
  if (!data) return <li className="min-h-5" />;
  return (
    <li>
      <p dir="auto" className="leading-5 wrap-anywhere">
        {data.text}
      </p>
      <p className="text-xs text-quiet">{t("memory.said_on", { day: day(data.said_at, now, i18n.language) })}</p>
    </li>
  );
}
