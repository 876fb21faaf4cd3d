import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { copyText } from "@/shared/ui/copy-text";

const CONFIRMATION_MS = 1_600;

type CopyButtonProps = {
  /** Asked when the button is pressed, so that a growing text need not be passed at every change. */
  getText: () => string;
  label: string;
};

export function CopyButton({ getText, label }: CopyButtonProps) {
  const { t } = useTranslation();
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), CONFIRMATION_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => setIsCopied(await copyText(getText()));
  return (
    <button type="button" className="md-tool" onClick={() => void copy()} aria-label={label} title={label}>
      {isCopied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      <span aria-live="polite">{isCopied ? t("markdown.copied") : null}</span>
    </button>
  );
}
