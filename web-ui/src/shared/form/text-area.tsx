import { useId } from "react";
import type { ReactNode, Ref, TextareaHTMLAttributes } from "react";

import { FIELD } from "@/shared/ui/field";

interface TextAreaProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  ref?: Ref<HTMLTextAreaElement>;
}

/** A labelled field of several lines. */
export function TextArea({ label, hint, error, ...rest }: TextAreaProps) {
  const id = useId();
  const described = [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <textarea
        id={id}
        aria-describedby={described || undefined}
        aria-invalid={error ? true : undefined}
        className={`${FIELD} resize-y py-2 leading-5`}
        {...rest}
      />
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm text-danger">
          {error}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-quiet text-pretty">
          {hint}
        </p>
      )}
    </div>
  );
}
