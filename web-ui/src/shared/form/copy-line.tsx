import { Check, Copy } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "@/shared/ui/button";
import { copyText } from "@/shared/ui/copy-text";
import { FIELD } from "@/shared/ui/field";

interface CopyLineProps {
  label: string;
  value: string;
  hint?: string;
}

/** Something to be taken elsewhere: selected by a click, copied by the button. */
export function CopyLine({ label, value, hint }: CopyLineProps) {
  const { t } = useTranslation();
  const id = useId();
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const copy = async () => setState((await copyText(value)) ? "copied" : "failed");
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <div className="flex gap-2">
        <input
          id={id}
          readOnly
          value={value}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onFocus={(event) => event.currentTarget.select()}
          className={`${FIELD} min-w-0 flex-1 font-mono`}
        />
        <Button onClick={() => void copy()}>
          {state === "copied" ? <Check size={15} aria-hidden /> : <Copy size={15} strokeWidth={1.75} aria-hidden />}
          {state === "copied" ? t("form.copied") : t("form.copy")}
        </Button>
      </div>
      <p role="status" className="text-sm text-quiet empty:hidden">
        {state === "failed" && t("form.copy_failed")}
      </p>
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-quiet text-pretty">
          {hint}
        </p>
      )}
    </div>
  );
}
