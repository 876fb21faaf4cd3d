import { ArrowUpRight } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { day } from "@/features/memory/dates";
import { classNames } from "@/shared/ui/class-names";
import { daysBetween, fullTime } from "@/shared/time/format";
import { useToday } from "@/shared/time/use-today";
import type { Memory } from "@/shared/wire/memories";

/** What is to be known of a memory at a glance, in one line. */
export function MemoryLine({ memory }: { memory: Memory }) {
  const { t } = useTranslation();
  const span = useSpan(memory);
  const { state, tainted } = memory;
  return (
    <div className="flex min-h-7 min-w-0 flex-1 flex-wrap items-center gap-x-2.5 text-xs text-quiet">
      {state !== "current" && <Badge>{state === "stale" ? t("memory.is_stale") : t("memory.is_superseded")}</Badge>}
      {tainted && <Badge warns>{t("memory.is_tainted")}</Badge>}
      <span>{t(`memory.kind.${memory.kind}`)}</span>
      {span && <span>{span}</span>}
      <Origin memory={memory} />
      <LastUse memory={memory} />
    </div>
  );
}

function Badge({ warns = false, children }: { warns?: boolean; children: ReactNode }) {
  return (
    <span className={classNames("rounded-xs px-1.5 py-0.5 font-medium", warns ? "bg-warn-soft text-warn" : "bg-press text-soft")}>
      {children}
    </span>
  );
}

/** Since when it holds and until when, in words; empty when that is not known, or just since it was said. */
function useSpan({ valid_from: from, valid_to: to, said_at: said }: Memory): string {
  const { t, i18n } = useTranslation();
  const now = useToday();
  const shown = (at: number) => day(at, now, i18n.language);
  if (from !== null && to !== null) {
    return shown(from) === shown(to) ? t("memory.on", { day: shown(from) }) : t("memory.between", { from: shown(from), to: shown(to) });
  }
  if (from !== null && daysBetween(from, said) === 0) return ""; // that it was said then is shown anyway
  if (from !== null) return from > now ? t("memory.from_then", { day: shown(from) }) : t("memory.since", { day: shown(from) });
  return to !== null ? t("memory.until", { day: shown(to) }) : "";
}

function Origin({ memory }: { memory: Memory }) {
  const { t, i18n } = useTranslation();
  const now = useToday();
  const said = day(memory.said_at, now, i18n.language);
  const source = memory.sources.find(({ is_gone }) => !is_gone);
  if (!source) {
    return <span>{memory.origin === "import" ? t("memory.imported_on", { day: said }) : t("memory.written_on", { day: said })}</span>;
  }
  return (
    <Jump conversation={source.conversation} message={source.message}>
      {t("memory.said_in", { title: source.title || t("sidebar.untitled"), day: said })}
    </Jump>
  );
}

function LastUse({ memory: { used } }: { memory: Memory }) {
  const { t, i18n } = useTranslation();
  const now = useToday();
  if (!used) return null;
  return (
    <Jump conversation={used.conversation} message={used.message} title={fullTime(used.at, i18n.language)}>
      {t("memory.used_last", { day: day(used.at, now, i18n.language) })}
    </Jump>
  );
}

interface JumpProps {
  conversation: string;
  message: string;
  title?: string;
  children: ReactNode;
}

/** A link to a message in its place. */
export function Jump({ conversation, message, title, children }: JumpProps) {
  return (
    <Link
      href={`/c/${conversation}#m-${message}`}
      title={title}
      className="inline-flex min-h-6 max-w-full min-w-0 items-center gap-0.5 text-soft decoration-line-strong underline-offset-3 hover:text-accent hover:underline"
    >
      <span className="truncate">{children}</span>
      <ArrowUpRight size={13} aria-hidden className="shrink-0" />
    </Link>
  );
}
