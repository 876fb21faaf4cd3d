import { X } from "lucide-react";
import { useRef } from "react";
import type { MouseEvent } from "react";
import { useTranslation } from "react-i18next";

import { findMessageField } from "@/shared/keyboard/message-field";
import { useFocusBack } from "@/shared/keyboard/use-focus-back";
import { IconButton } from "@/shared/ui/icon-button";
import type { Toast } from "@/shared/ui/toasts";
import { hideToast, holdToast, releaseToast, useToasts } from "@/shared/ui/toasts";

export function ToastRegion() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div
      role="status"
      className="pointer-events-none fixed inset-x-0 bottom-28 z-40 flex flex-col items-center gap-2 px-4"
    >
      {toasts.map((toast) => (
        <ToastRow key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function ToastRow({ toast }: { toast: Toast }) {
  const { t } = useTranslation();
  const { action } = toast;
  const row = useRef<HTMLDivElement>(null);
  useFocusBack(row, findMessageField);
  const act = (event: MouseEvent<HTMLButtonElement>) => {
    event.currentTarget.blur(); // what comes back takes the focus
    action?.run();
    hideToast(toast.id);
  };
  return (
    <div
      ref={row}
      onPointerEnter={() => holdToast(toast.id)}
      onPointerLeave={({ currentTarget }) => !currentTarget.contains(document.activeElement) && releaseToast(toast.id)}
      onFocus={() => holdToast(toast.id)}
      onBlur={({ currentTarget }) => !currentTarget.matches(":hover") && releaseToast(toast.id)}
      className="qd-rise pointer-events-auto flex max-w-md items-center gap-1 rounded-md border border-line bg-raised py-1 pr-1 pl-4 text-sm shadow-float"
    >
      <span className="py-1.5 pr-2">{toast.text}</span>
      {action && (
        <button
          type="button"
          onClick={act}
          className="min-h-8 rounded-sm px-2.5 font-medium text-accent hover:bg-hover"
        >
          {action.label}
        </button>
      )}
      <IconButton icon={X} small label={t("ui.dismiss")} onClick={() => hideToast(toast.id)} />
    </div>
  );
}
