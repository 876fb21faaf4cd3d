import { useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";

import { classNames } from "@/shared/ui/class-names";

export interface PlaceLink {
  href: string;
  label: string;
}

/** The places of a page side by side; on a phone the row scrolls by itself. */
export function PlaceNav({ label, places }: { label: string; places: PlaceLink[] }) {
  const [location] = useLocation();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [location]);
  return (
    <nav aria-label={label} className="shrink-0 overflow-x-auto border-b border-line px-3 [scrollbar-width:none]">
      <ul ref={list} className="flex gap-1">
        {places.map(({ href, label: name }) => (
          <li key={href} className="shrink-0">
            <Link
              href={href}
              aria-current={location === href ? "page" : undefined}
              className={classNames(
                "-mb-px flex min-h-10 items-center border-b-2 px-2 text-sm transition-colors hover:text-ink focus-visible:-outline-offset-2",
                location === href ? "border-accent font-medium text-ink" : "border-transparent text-quiet",
              )}
            >
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
