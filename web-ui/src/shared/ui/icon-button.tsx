import type { ButtonHTMLAttributes, Ref } from "react";
import type { LucideIcon } from "lucide-react";

import { classNames } from "@/shared/ui/class-names";

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  icon: LucideIcon;
  /** Read out and shown as the tooltip. */
  label: string;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ icon: Icon, label, small = false, className, type = "button", ...rest }: IconButtonProps) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={classNames(
        "inline-grid shrink-0 place-items-center rounded-sm text-quiet transition-colors hover:bg-hover hover:text-ink",
        "disabled:opacity-40 disabled:pointer-events-none aria-pressed:bg-hover aria-pressed:text-ink data-[state=open]:bg-hover data-[state=open]:text-ink",
        small ? "size-7" : "size-9",
        className,
      )}
      {...rest}
    >
      <Icon size={small ? 15 : 18} strokeWidth={1.75} aria-hidden />
    </button>
  );
}
