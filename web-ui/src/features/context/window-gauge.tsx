import { useTranslation } from "react-i18next";

import { count, percent } from "@/shared/amounts/amounts";
import { useWindow } from "@/shared/data/context";

interface WindowGaugeProps {
  conversation: string | null;
  model: string;
  /** The last message that is stored. */
  tip: string | undefined;
}

/** How much of what the model takes another message would be sent with. */
export function WindowGauge({ conversation, model, tip }: WindowGaugeProps) {
  const { t, i18n } = useTranslation();
  const { data } = useWindow(conversation, model, tip);
  if (!data || data.budget === 0) return null;
  const share = Math.min(1, data.counted / data.budget);
  const shown = percent(share, i18n.language);
  const number = (value: number) => count(value, i18n.language);
  const title = [
    t("composer.window", { percent: shown }),
    t("composer.window_more", { used: number(data.counted), budget: number(data.budget) }),
    data.summaries > 0 ? t("composer.window_summaries", { count: data.summaries }) : "",
    data.clipped ? t("composer.window_clipped") : "",
  ];
  const label = title.filter(Boolean).join(" · ");
  return (
    <span role="img" aria-label={label} title={label} className="ml-auto flex shrink-0 items-center gap-1.5 px-2 text-xs text-quiet">
      <span aria-hidden className="h-1 w-8 forced-color-adjust-none overflow-hidden rounded-full bg-press">
        <span className="block h-full bg-accent" style={{ width: `${Math.max(4, share * 100)}%` }} />
      </span>
      <span aria-hidden className="tabular hidden sm:inline">
        {shown}
      </span>
    </span>
  );
}
