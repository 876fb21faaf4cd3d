import { useTranslation } from "react-i18next";

import type { Budget } from "@/features/usage/usage-data";
import { count, money } from "@/shared/amounts/amounts";
import { dateTimeOf } from "@/shared/time/ago";
import { classNames } from "@/shared/ui/class-names";

/** How much of each budget is used, and when it begins anew. */
export function BudgetList({ budgets }: { budgets: Budget[] }) {
  return (
    <ul className="border-t border-line">
      {budgets.map((budget) => (
        <BudgetRow key={budget.id} budget={budget} />
      ))}
    </ul>
  );
}

function BudgetRow({ budget }: { budget: Budget }) {
  const { t, i18n } = useTranslation();
  const { period, pattern, max_cost, max_tokens, used_cost, used_tokens, resets_at } = budget;
  const models = pattern === "*" ? t("usage.all_models") : pattern;
  const name = t(`usage.period.${period}`, { models });
  return (
    <li className="flex flex-col gap-3 border-b border-line py-4">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6 text-sm">
        <p className="font-medium wrap-anywhere">{name}</p>
        <p className="text-quiet">{t("usage.resets", { when: dateTimeOf(resets_at, i18n.language) })}</p>
      </div>
      {max_cost !== null && (
        <Bar
          name={t("usage.cost_of", { name })}
          used={used_cost}
          most={max_cost}
          words={t("usage.of", { used: money(used_cost, i18n.language), most: money(max_cost, i18n.language) })}
        />
      )}
      {max_tokens !== null && (
        <Bar
          name={t("usage.tokens_of", { name })}
          used={used_tokens}
          most={max_tokens}
          words={t("usage.of_tokens", { used: count(used_tokens, i18n.language), most: count(max_tokens, i18n.language) })}
        />
      )}
    </li>
  );
}

const NEARLY = 0.8;

function Bar({ name, used, most, words }: { name: string; used: number; most: number; words: string }) {
  const share = most > 0 ? Math.min(1, used / most) : 1;
  const colour = share >= 1 ? "bg-danger" : share >= NEARLY ? "bg-warn" : "bg-accent";
  return (
    <div className="flex items-center gap-4 text-sm max-sm:flex-col max-sm:items-stretch max-sm:gap-1.5">
      <div
        role="meter"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={words}
        className="h-2 flex-1 overflow-hidden rounded-full bg-press max-sm:flex-none"
      >
        <div className={classNames("h-full rounded-full", colour)} style={{ width: `${share * 100}%` }} />
      </div>
      <p className="tabular w-56 text-soft sm:text-right max-sm:w-auto">{words}</p>
    </div>
  );
}
