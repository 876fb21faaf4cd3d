import type { LucideIcon } from "lucide-react";

import { classNames } from "@/shared/ui/class-names";

export interface StarterLine {
  id: string;
  title: string;
  hint?: string;
  icon?: LucideIcon;
}

interface StarterListProps<Line extends StarterLine> {
  starters: readonly Line[];
  /** Without it the lines are only shown. */
  onChoose?(starter: Line): void;
  className?: string;
}

/** Beginnings of a conversation, one below the other. */
export function StarterList<Line extends StarterLine>({ starters, onChoose, className }: StarterListProps<Line>) {
  return (
    <ul className={classNames("border-t border-line", className)}>
      {starters.map((starter) => (
        <li key={starter.id} className="border-b border-line last:border-b-0">
          {onChoose ? (
            <button
              type="button"
              onClick={() => onChoose(starter)}
              className="-mx-3 flex w-[calc(100%+1.5rem)] items-start gap-4 rounded-sm px-3 py-3.5 text-left transition-colors hover:bg-hover"
            >
              <Words starter={starter} />
            </button>
          ) : (
            <div className="py-2.5">
              <Words starter={starter} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

function Words({ starter: { title, hint, icon: Icon } }: { starter: StarterLine }) {
  return (
    <>
      {Icon && <Icon size={18} strokeWidth={1.75} aria-hidden className="mt-1 shrink-0 text-accent" />}
      <span className="min-w-0">
        <span className="line-clamp-3 text-[0.9375rem] font-medium wrap-anywhere">{title}</span>
        {hint && <span className="block pt-0.5 text-sm leading-5 text-quiet">{hint}</span>}
      </span>
    </>
  );
}
