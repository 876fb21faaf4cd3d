import "@/shared/recall/words";

import { useTranslation } from "react-i18next";

import { percent } from "@/shared/amounts/amounts";
import { i18n as words } from "@/shared/i18n/i18n";
import { shareOut } from "@/shared/recall/shares";
import type { Signals } from "@/shared/wire/memories";

/** Why something was recalled: what each signal gave, as words and as a bar. */
export function Why({ signals }: { signals: Signals }) {
  const { t, i18n } = useTranslation();
  const shares = shareOut(signals);
  if (shares.length === 0) return null;
  return (
    <ul aria-label={t("recall.why")} className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-quiet">
      {shares.map(([name, share]) => (
        <li key={name} className="flex items-center gap-1.5">
          <span>{signalName(name)}</span>
          <span aria-hidden className="h-1 w-10 overflow-hidden rounded-full bg-press">
            <span className="block h-full bg-accent" style={{ width: `${Math.max(4, share * 100)}%` }} />
          </span>
          <span className="tabular">{percent(share, i18n.language)}</span>
        </li>
      ))}
    </ul>
  );
}

/** A signal that a newer server knows and this page does not is shown by its own name. */
function signalName(name: string): string {
  const key = `recall.signal.${name}`;
  return words.exists(key) ? words.t(key) : name.replaceAll("_", " ");
}
