import { BookOpen, Lightbulb, RefreshCw, Sigma } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";

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

/** No conversation yet: four beginnings, each showing something that is special here. */
export function Welcome({ onStart }: { onStart(starter: Starter): void }) {
  const { t } = useTranslation();
  return (
    <div className="qd-column flex min-h-0 flex-1 flex-col justify-end overflow-y-auto pt-8 pb-8 sm:justify-center">
      <h1 className="text-[1.625rem] leading-9 font-semibold tracking-[-0.02em] text-balance">{t(`welcome.${partOfDay()}`)}</h1>
      <p className="max-w-[36rem] pt-1.5 text-quiet text-pretty">{t("welcome.lead")}</p>
      <ul className="mt-8 border-t border-line">
        {STARTERS.map(({ id, icon: Icon, ...how }) => (
          <li key={id} className="border-b border-line">
            <button
              type="button"
              onClick={() => onStart({ text: t(`welcome.${id}.text`), ...how })}
              className="-mx-3 flex w-[calc(100%+1.5rem)] items-start gap-4 rounded-sm px-3 py-3.5 text-left transition-colors hover:bg-hover"
            >
              <Icon size={18} strokeWidth={1.75} aria-hidden className="mt-1 shrink-0 text-accent" />
              <span>
                <span className="block text-[0.9375rem] font-medium">{t(`welcome.${id}.title`)}</span>
                <span className="block pt-0.5 text-sm leading-5 text-quiet">{t(`welcome.${id}.hint`)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function partOfDay(): "morning" | "afternoon" | "evening" {
  const hour = new Date().getHours();
  if (hour >= 5 && hour < 12) return "morning";
  return hour >= 12 && hour < 18 ? "afternoon" : "evening";
}
