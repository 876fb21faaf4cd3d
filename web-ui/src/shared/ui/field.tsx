import { useId } from "react";
import type { InputHTMLAttributes, ReactNode, Ref } from "react";

import { classNames } from "@/shared/ui/class-names";

export const FIELD =
  "w-full min-h-9 rounded-sm border border-edge bg-ground px-3 py-1.5 text-sm text-ink placeholder:text-quiet focus-visible:outline-offset-0 aria-invalid:border-danger";

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: ReactNode;
  /** What is wrong with what was entered; stands beside the field and is read out. */
  error?: string | null | undefined;
  /** Stands at the end of the field, over it: a button. */
  inside?: ReactNode;
  ref?: Ref<HTMLInputElement>;
}

/** A labelled line of text with an optional hint below. */
export function Field({ label, hint, error, inside, className, ...rest }: FieldProps) {
  const id = useId();
  const described = [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  return (
    <div className={classNames("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <div className="relative flex items-center">
        <input
          id={id}
          aria-describedby={described || undefined}
          aria-invalid={error ? true : undefined}
          className={classNames(FIELD, inside !== undefined && "pr-11")}
          {...rest}
        />
        {inside !== undefined && <div className="absolute right-1 flex">{inside}</div>}
      </div>
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm text-danger">
          {error}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-quiet">
          {hint}
        </p>
      )}
    </div>
  );
}
