import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { isComposing } from "@/shared/keyboard/composing";
import { useFocusBack } from "@/shared/keyboard/use-focus-back";
import { classNames } from "@/shared/ui/class-names";

const LONGEST = 200;

interface TitleEditorProps {
  title: string;
  /** The new title, or null when nothing is to change. */
  onDone(title: string | null): void;
  className?: string;
}

/** A title edited in its place: Enter and leaving keep it, Escape does not. */
export function TitleEditor({ title, onDone, className }: TitleEditorProps) {
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);
  const isDone = useRef(false);
  useFocusBack(field);
  useEffect(() => {
    const frame = requestAnimationFrame(() => field.current?.select()); // after a closing menu has moved the focus
    return () => cancelAnimationFrame(frame);
  }, []);
  const finish = (next: string | null) => {
    if (isDone.current) return;
    isDone.current = true;
    onDone(next?.trim() ? next.trim() : null);
  };
  return (
    <input
      ref={field}
      defaultValue={title}
      maxLength={LONGEST}
      aria-label={t("ui.title")}
      onBlur={(event) => finish(event.currentTarget.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (isComposing(event)) return;
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.preventDefault(); // or it would press what gets the focus now, and close a dialog around it
        finish(event.key === "Enter" ? event.currentTarget.value : null);
      }}
      className={classNames(
        "h-8 min-w-0 rounded-sm border border-edge bg-ground px-2 text-sm focus-visible:outline-offset-0",
        className,
      )}
    />
  );
}
