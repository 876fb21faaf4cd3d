import { useTranslation } from "react-i18next";

import { entryLine } from "@/features/context/entry-line";
import { RecalledNote } from "@/features/context/recalled-note";
import { count } from "@/shared/amounts/amounts";
import { request } from "@/shared/http/request";
import type { ContextEntry, Summary } from "@/shared/wire/resources";

/** Everything that was sent, in order; each unfolds to its exact text and leads to where it comes from. */
export function ContextEntries({ entries }: { entries: ContextEntry[] }) {
  return (
    <ol className="flex flex-col border-t border-line">
      {entries.map((entry, index) => (
        <li key={index} className="border-b border-line">
          <Entry entry={entry} />
        </li>
      ))}
    </ol>
  );
}

function Entry({ entry }: { entry: ContextEntry }) {
  const { t, i18n } = useTranslation();
  return (
    <details className="group text-sm">
      <summary className="flex min-h-9 cursor-pointer items-center gap-3 py-1.5 hover:bg-hover">
        <span className="w-24 shrink-0 text-xs font-medium text-soft">{useKindName(entry)}</span>
        <span className="min-w-0 flex-1 truncate text-xs text-quiet">{entryLine(entry)}</span>
        <span className="tabular shrink-0 text-xs text-quiet" title={t("context.tokens", { count: entry.tokens })}>
          {count(entry.tokens, i18n.language)}
        </span>
      </summary>
      <div className="flex flex-col gap-2 pt-1 pb-4">
        <pre className="max-h-96 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
          {entry.text ?? t("context.gone")}
        </pre>
        {entry.message !== null && !entry.recalled && (
          <p className="text-xs">
            <a href={`#m-${entry.message}`} className="text-accent underline">
              {t("context.go")}
            </a>
          </p>
        )}
        {entry.recalled && <RecalledNote recalled={entry.recalled} />}
        {entry.taint && <p className="text-xs text-warn">{t("context.tainted")}</p>}
        {entry.summary !== null && <SummaryJump summary={entry.summary} />}
      </div>
    </details>
  );
}

/** To the first of the messages that a summary covers. */
function SummaryJump({ summary }: { summary: string }) {
  const { t } = useTranslation();
  const go = async () => {
    const { first } = await request<Summary>(`/api/summaries/${encodeURIComponent(summary)}`);
    location.hash = `m-${first}`;
  };
  return (
    <p className="text-xs">
      <button type="button" className="text-accent underline" onClick={() => void go()}>
        {t("context.go_section")}
      </button>
    </p>
  );
}

function useKindName(entry: ContextEntry): string {
  const { t } = useTranslation();
  switch (entry.kind) {
    case "instructions":
      return t("context.kind.instructions");
    case "about":
      return t("context.kind.about");
    case "time":
      return t("context.kind.time");
    case "summary":
      return t("context.kind.summary");
    case "pinned":
      return t("context.kind.pinned");
    case "recalled":
      return t("context.kind.recalled");
    case "continuation":
      return t("context.kind.continuation");
    case "message":
      if (entry.role === "tool") return t("context.kind.message_tool");
      return entry.role === "user" ? t("context.kind.message_user") : t("context.kind.message_assistant");
  }
}
