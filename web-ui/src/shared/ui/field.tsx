import { useId } from "react";
import type { InputHTMLAttributes, ReactNode } from "react";

import { classNames } from "@/shared/ui/class-names";

export const FIELD =
  "w-full min-h-9 rounded-sm border border-edge bg-ground px-3 py-1.5 text-sm text-ink placeholder:text-quiet focus-visible:outline-offset-0";

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: ReactNode;
}

/** A labelled line of text with an optional hint below. */
export function Field({ label, hint, className, ...rest }: FieldProps) {
  const id = useId();
  return (
    <div className={classNames("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <input id={id} aria-describedby={hint ? `${id}-hint` : undefined} className={FIELD} {...rest} />
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-quiet">
          {hint}
        </p>
      )}
    </div>
  );
}
