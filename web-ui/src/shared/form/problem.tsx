import { CircleAlert } from "lucide-react";

import { classNames } from "@/shared/ui/class-names";

/** One sentence about what did not work; nothing while all is well. */
export function Problem({ text, className }: { text: string | null | undefined; className?: string }) {
  if (!text) return null;
  return (
    <p role="alert" className={classNames("flex items-start gap-2 text-sm text-danger", className)}>
      <CircleAlert size={16} aria-hidden className="mt-0.5 shrink-0" />
      <span className="min-w-0 wrap-anywhere">{text}</span>
    </p>
  );
}
