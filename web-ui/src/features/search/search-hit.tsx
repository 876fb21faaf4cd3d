import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { cutPassage } from "@/features/search/search-data";
import type { Hit } from "@/features/search/search-data";
import { clock, shortDay } from "@/shared/time/format";

interface SearchHitProps {
  hit: Hit;
  now: number;
}

/** A message that was found, as a link to its place. */
export function SearchHit({ hit, now }: SearchHitProps) {
  const { t, i18n } = useTranslation();
  const { created_at: at } = hit;
  const title = hit.title || t("sidebar.untitled");
  return (
    <li>
      <Link href={`/c/${hit.conversation}#m-${hit.message}`} className="block rounded-md px-3 py-3 transition-colors hover:bg-hover">
        <p className="flex flex-wrap items-baseline gap-x-2 text-sm text-quiet">
          <span className="max-w-full truncate font-medium text-ink">{title}</span>
          {hit.is_archived && <span>{t("search.archived")}</span>}
          <span className="tabular-nums">
            {hit.role === "user" ? t("search.user") : hit.model || t("search.assistant")} ·{" "}
            <time dateTime={new Date(at).toISOString()}>
              {shortDay(at, now, i18n.language)}, {clock(at, i18n.language)}
            </time>
          </span>
        </p>
        <p className="mt-1 line-clamp-4 leading-6 wrap-anywhere text-soft" dir="auto">
          {cutPassage(hit.passage, hit.marks).map(({ text, isMarked }, index) =>
            isMarked ? (
              <mark key={index} className="rounded-xs bg-accent-soft px-0.5 text-ink">
                {text}
              </mark>
            ) : (
              <span key={index}>{text}</span>
            ),
          )}
        </p>
      </Link>
    </li>
  );
}
