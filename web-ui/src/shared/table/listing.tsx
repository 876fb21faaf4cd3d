import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";

interface ListingProps {
  query: { isPending: boolean; error: Error | null; refetch(): unknown };
  /** What to say when there is nothing: what it is for and how to begin. */
  empty: ReactNode;
  isEmpty: boolean;
  children: ReactNode;
}

/** A list that is on its way, did not come, is empty, or is there. */
export function Listing({ query, empty, isEmpty, children }: ListingProps) {
  const { t } = useTranslation();
  if (query.error) {
    return (
      <div className="flex flex-col items-start gap-3 py-2">
        <Problem text={query.error.message} />
        <Button onClick={() => void query.refetch()}>{t("ui.try_again")}</Button>
      </div>
    );
  }
  if (query.isPending) return <p className="py-2 text-sm text-quiet">{t("ui.loading")}</p>;
  if (isEmpty) return <p className="max-w-[38rem] border-y border-line py-4 text-sm leading-6 text-quiet text-pretty">{empty}</p>;
  return children;
}
