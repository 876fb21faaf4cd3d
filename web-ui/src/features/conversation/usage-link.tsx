import { useTranslation } from "react-i18next";
import { Link } from "wouter";

/** The code of what was refused because a budget is used up; the sentence says which and when it begins anew. */
export const OVER_BUDGET = "over_budget";

/** Where one sees what was used. */
export function UsageLink() {
  const { t } = useTranslation();
  return (
    <Link href="/settings/usage" className="inline-flex min-h-8 items-center rounded-sm px-2 font-medium text-accent hover:bg-hover">
      {t("conversation.see_usage")}
    </Link>
  );
}
