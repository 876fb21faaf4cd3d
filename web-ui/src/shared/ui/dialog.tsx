import { X } from "lucide-react";
import { useId, useLayoutEffect, useRef } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { classNames } from "@/shared/ui/class-names";
import { IconButton } from "@/shared/ui/icon-button";

interface DialogProps {
  title: string;
  onClose(): void;
  children: ReactNode;
  /** The title is read out but not shown, and there is no close button (the palette). */
  bare?: boolean;
  /** From the left edge, full height (the sidebar on a phone), or from the right one. */
  side?: "left" | "right";
  className?: string;
}

/** The browser's own modal dialog: it keeps the focus, closes with Escape and returns the focus. */
export function Dialog({ title, onClose, children, bare = false, side, className }: DialogProps) {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // a layout effect: once it is out of the page, a dialog gives no focus back
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    // Clicking the backdrop is an extra for the mouse; Escape does the same on the keyboard.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
      className={classNames(
        "bg-raised text-ink shadow-float backdrop:bg-scrim",
        side ? `qd-slide-${side} m-0 h-dvh max-h-none` : "qd-rise mx-auto mb-auto mt-[12vh] max-h-[76vh] rounded-lg",
        side === "right" && "ml-auto",
        className ?? "w-[min(32rem,calc(100vw-2rem))]",
      )}
    >
      {bare ? (
        <h2 id={heading} className="sr-only">
          {title}
        </h2>
      ) : (
        <header className="flex items-center justify-between gap-4 border-b border-line py-3 pr-3 pl-5">
          <h2 id={heading} className="text-base font-semibold">
            {title}
          </h2>
          <IconButton icon={X} label={t("ui.close")} onClick={onClose} />
        </header>
      )}
      {children}
    </dialog>
  );
}
