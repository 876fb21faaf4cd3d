import { Check, Copy, Eye, RotateCw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { showContext, useShownContext } from "@/shared/data/context";
import { IconButton } from "@/shared/ui/icon-button";
import { showToast } from "@/shared/ui/toasts";
import { copyText } from "@/shared/ui/copy-text";

const CONFIRMED_MS = 1500;

export function CopyAction({ text }: { text: string }) {
  const { t } = useTranslation();
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return showToast(t("conversation.copy_failed"));
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), CONFIRMED_MS);
  };
  return (
    <IconButton
      small
      icon={isCopied ? Check : Copy}
      label={isCopied ? t("conversation.copied") : t("conversation.copy")}
      onClick={() => void copy()}
    />
  );
}

export function RetryAction({ onRetry, disabled }: { onRetry(): void; disabled: boolean }) {
  const { t } = useTranslation();
  return <IconButton small icon={RotateCw} label={t("conversation.retry")} onClick={onRetry} disabled={disabled} />;
}

/** Opens, beside the conversation, what the model was sent for this answer. */
export function SawAction({ turn }: { turn: string }) {
  const { t } = useTranslation();
  const isShown = useShownContext((shown) => shown.turn === turn);
  return (
    <IconButton
      small
      icon={Eye}
      label={t("conversation.what_it_saw")}
      aria-pressed={isShown}
      onClick={() => showContext(isShown ? null : turn)}
    />
  );
}
