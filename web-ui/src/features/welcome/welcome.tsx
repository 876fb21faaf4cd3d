import { BookOpen, Lightbulb, RefreshCw, Sigma } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { StarterList } from "@/shared/ui/starter-list";
import type { Assistant } from "@/shared/wire/resources";

export interface Starter {
  text: string;
  assistant?: string;
  model?: string;
}

interface StarterRow {
  id: "ideas" | "survives" | "typeset" | "log";
  icon: LucideIcon;
  assistant?: string;
  model?: string;
}

const STARTERS: StarterRow[] = [
  { id: "ideas", icon: Lightbulb, assistant: "ideas" },
  { id: "survives", icon: RefreshCw },
  { id: "typeset", icon: Sigma },
  { id: "log", icon: BookOpen, model: "builtin/log-reader" },
];

interface WelcomeProps {
  /** The chosen one, which may bring beginnings of its own. */
  assistant: Assistant | undefined;
  onStart(starter: Starter): void;
}

/** No conversation yet: the assistant's beginnings, or four that each show something that is special here. */
export function Welcome({ assistant, onStart }: WelcomeProps) {
  const { t } = useTranslation();
  const starters = STARTERS.map((row) => ({ ...row, title: t(`welcome.${row.id}.title`), hint: t(`welcome.${row.id}.hint`) }));
  if (assistant && assistant.starters.length > 0) {
    return (
      <Beginning title={assistant.name} lead={assistant.description}>
        <StarterList
          className="mt-8"
          starters={assistant.starters.map((title, index) => ({ id: `${index}`, title }))}
          onChoose={({ title }) => onStart({ text: title, assistant: assistant.id })}
        />
      </Beginning>
    );
  }
  return (
    <Beginning title={t(`welcome.${partOfDay()}`)} lead={t("welcome.lead")}>
      <StarterList
        className="mt-8"
        starters={starters}
        onChoose={({ id, assistant: chosen, model }) =>
          onStart({ text: t(`welcome.${id}.text`), ...(chosen ? { assistant: chosen } : {}), ...(model ? { model } : {}) })
        }
      />
    </Beginning>
  );
}

function Beginning({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  return (
    <div className="qd-column flex min-h-0 flex-1 flex-col overflow-y-auto">
      {/* auto margins, for what is too tall for the page: justified, its top could not be scrolled to */}
      <div className="mt-auto py-8 sm:my-auto">
        <h1 className="text-[1.625rem] leading-9 font-semibold tracking-[-0.02em] text-balance wrap-anywhere">{title}</h1>
        <p className="max-w-[36rem] pt-1.5 text-quiet text-pretty wrap-anywhere">{lead}</p>
        {children}
      </div>
    </div>
  );
}

function partOfDay(): "morning" | "afternoon" | "evening" {
  const hour = new Date().getHours();
  if (hour >= 5 && hour < 12) return "morning";
  return hour >= 12 && hour < 18 ? "afternoon" : "evening";
}
