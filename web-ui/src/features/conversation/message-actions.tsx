import { Check, Copy, RotateCw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

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
