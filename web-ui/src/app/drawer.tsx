import { X } from "lucide-react";
import { Suspense, useEffect, useRef } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { isComposing } from "@/shared/keyboard/composing";
import { findMessageField } from "@/shared/keyboard/message-field";
import { useFocusBack } from "@/shared/keyboard/use-focus-back";
import { classNames } from "@/shared/ui/class-names";
import { Dialog } from "@/shared/ui/dialog";
import { IconButton } from "@/shared/ui/icon-button";
import { TIGHT, useMedia } from "@/shared/ui/use-media";

interface DrawerProps {
  title: string;
  /** It was asked for to be read now; without, it stands beside what one is doing. */
  takesFocus?: boolean;
  /** Its width beside the page, and over it. */
  beside: string;
  over: string;
  onClose(): void;
  children: ReactNode;
}

/** What belongs to the conversation, beside it; on a narrow screen over it. Escape closes it and leads back. */
export function Drawer({ title, takesFocus = false, beside, over, onClose, children }: DrawerProps) {
  const isTight = useMedia(TIGHT);
  const content = (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <Suspense>{children}</Suspense>
    </div>
  );
  return isTight ? (
    <Dialog title={title} side="right" onClose={onClose} className={over}>
      {content}
    </Dialog>
  ) : (
    <Beside title={title} takesFocus={takesFocus} className={beside} onClose={onClose}>
      {content}
    </Beside>
  );
}

interface BesideProps {
  title: string;
  takesFocus: boolean;
  className: string;
  onClose(): void;
  children: ReactNode;
}

function Beside({ title, takesFocus, className, onClose, children }: BesideProps) {
  const { t } = useTranslation();
  const part = useRef<HTMLElement>(null);
  useFocusBack(part, findMessageField);
  useEffect(() => {
    if (takesFocus) part.current?.focus({ preventScroll: true });
  }, [takesFocus]);
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event)) return;
    event.preventDefault();
    onClose();
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape is heard for all that is inside
    <aside
      ref={part}
      tabIndex={-1}
      aria-label={title}
      onKeyDown={press}
      className={classNames("flex shrink-0 flex-col border-l border-line bg-sunken outline-none", className)}
    >
      <header className="flex h-13 shrink-0 items-center justify-between border-b border-line pr-2 pl-5">
        <h2 className="text-sm font-semibold">{title}</h2>
        <IconButton icon={X} label={t("ui.close")} onClick={onClose} />
      </header>
      {children}
    </aside>
  );
}
