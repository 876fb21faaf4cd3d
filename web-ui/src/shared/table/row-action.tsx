import type { ButtonHTMLAttributes, Ref } from "react";

import { classNames } from "@/shared/ui/class-names";

interface RowActionProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  danger?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/** A small button at the end of a row. */
export function RowAction({ danger = false, className, ...rest }: RowActionProps) {
  return (
    <button
      type="button"
      className={classNames(
        "min-h-8 rounded-sm px-2 text-sm font-medium hover:bg-hover disabled:opacity-50 disabled:pointer-events-none",
        danger ? "text-danger" : "text-accent",
        className,
      )}
      {...rest}
    />
  );
}
