import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { clock, regional, shortDay } from "@/shared/time/format";
import type { Unit } from "./layout";
import type { LogLineEntry } from "./types";

const NAMES: Record<Unit, Intl.DateTimeFormatOptions> = {
  day: { day: "numeric", month: "short" },
  month: { month: "short" },
  year: { year: "numeric" },
};

function makeNames(language: string): Record<Unit, Intl.DateTimeFormat> {
  const format = (unit: Unit) => new Intl.DateTimeFormat(regional(language), NAMES[unit]);
  return { day: format("day"), month: format("month"), year: format("year") };
}

/** Dates and messages in the reader's words. */
export function useWording() {
  const { t, i18n } = useTranslation();
  return useMemo(() => {
    const language = i18n.resolvedLanguage ?? "en";
    const names = makeNames(language);
    const date = (at: number) => shortDay(at, Date.now(), language);
    const time = (at: number) => clock(at, language);
    const role = (entry: LogLineEntry) => (entry.role === "user" ? t("logline.you") : t("logline.answer"));
    return {
      t,
      date,
      role,
      time,
      name: (at: number, unit: Unit) => names[unit].format(at),
      describe: (entry: LogLineEntry, position: number, count: number) =>
        t("logline.position", {
          position,
          count,
          role: role(entry),
          when: `${date(entry.at)} ${time(entry.at)}`,
          preview: entry.preview,
        }),
    };
  }, [t, i18n.resolvedLanguage]);
}

export type Wording = ReturnType<typeof useWording>;
