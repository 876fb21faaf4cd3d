import { Search } from "lucide-react";

import { FIELD } from "@/shared/ui/field";

interface SearchLineProps {
  label: string;
  value: string;
  onChange(value: string): void;
}

export function SearchLine({ label, value, onChange }: SearchLineProps) {
  return (
    <div className="relative flex w-full max-w-72 items-center">
      <Search size={15} strokeWidth={1.75} aria-hidden className="pointer-events-none absolute left-3 text-quiet" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className={`${FIELD} pl-9`}
      />
    </div>
  );
}
