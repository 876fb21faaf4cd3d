import type { ButtonHTMLAttributes, Ref } from "react";

import { classNames } from "@/shared/ui/class-names";

type Kind = "primary" | "plain" | "quiet" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  ref?: Ref<HTMLButtonElement>;
}

const KINDS: Record<Kind, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong",
  plain: "border border-line-strong bg-raised text-ink hover:bg-hover",
  quiet: "text-soft hover:bg-hover hover:text-ink",
  danger: "border border-danger-line text-danger hover:bg-danger-soft",
};

export function Button({ kind = "plain", className, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={classNames(
        "inline-flex min-h-9 shrink-0 items-center justify-center gap-2 rounded-md px-3.5 py-1.5 text-sm font-medium whitespace-nowrap",
        "transition-colors disabled:opacity-50 disabled:pointer-events-none",
        KINDS[kind],
        className,
      )}
      {...rest}
    />
  );
}
