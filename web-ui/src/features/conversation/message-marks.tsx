import { EyeOff, Pin } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useMark } from "@/shared/data/context";
import { IconButton } from "@/shared/ui/icon-button";
import { showToast } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

/** Whether the model always sees this message, or never. */
export function MarkActions({ message }: { message: Message }) {
  const { t } = useTranslation();
  const { mutate, isPending } = useMark(message);
  const toggle = (mark: "pinned" | "excluded") =>
    mutate(message.mark === mark ? "" : mark, { onError: (error) => showToast(error.message) });
  return (
    <>
      <IconButton
        small
        icon={Pin}
        label={t("conversation.pin")}
        aria-pressed={message.mark === "pinned"}
        disabled={isPending}
        onClick={() => toggle("pinned")}
      />
      <IconButton
        small
        icon={EyeOff}
        label={t("conversation.exclude")}
        aria-pressed={message.mark === "excluded"}
        disabled={isPending}
        onClick={() => toggle("excluded")}
      />
    </>
  );
}

export function MarkNote({ message }: { message: Message }) {
  const { t } = useTranslation();
  if (!message.mark) return null;
  return (
    <span className="text-xs text-accent">
      {message.mark === "pinned" ? t("conversation.pinned") : t("conversation.excluded")}
    </span>
  );
}
