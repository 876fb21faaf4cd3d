import { Eraser, Eye, Link2, MessagesSquare } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

const LESSONS: { id: "learned" | "source" | "yours" | "private"; icon: LucideIcon }[] = [
  { id: "learned", icon: MessagesSquare },
  { id: "source", icon: Link2 },
  { id: "yours", icon: Eraser },
  { id: "private", icon: Eye },
];

/** Nothing is remembered yet: how it comes about, and what one can do with it. */
export function NoMemories() {
  const { t } = useTranslation();
  return (
    <section aria-label={t("memory.empty_title")} className="border-t border-line pt-6">
      <h2 className="text-lg font-semibold tracking-[-0.01em]">{t("memory.empty_title")}</h2>
      <p className="max-w-[36rem] pt-1 text-sm leading-6 text-quiet text-pretty">{t("memory.empty_lead")}</p>
      <ul className="grid gap-x-8 gap-y-5 pt-6 sm:grid-cols-2">
        {LESSONS.map(({ id, icon: Icon }) => (
          <li key={id} className="flex gap-3">
            <Icon size={18} strokeWidth={1.75} aria-hidden className="mt-0.5 shrink-0 text-accent" />
            <div className="text-sm leading-5">
              <p className="font-medium">{t(`memory.lesson.${id}.title`)}</p>
              <p className="pt-0.5 text-quiet text-pretty">{t(`memory.lesson.${id}.text`)}</p>
            </div>
          </li>
        ))}
      </ul>
      <p className="pt-6 text-sm text-quiet">
        {t("memory.empty_older")}{" "}
        <Link href="/memory/settings" className="text-accent underline underline-offset-3">
          {t("memory.settings")}
        </Link>
      </p>
    </section>
  );
}
