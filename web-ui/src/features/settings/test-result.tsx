import { Check, CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";

import { classNames } from "@/shared/ui/class-names";
import type { ProviderTest } from "@/shared/wire/resources";

interface TestResultProps {
  result: ProviderTest | undefined;
  error: Error | null;
  className?: string;
}

/** What the endpoint said when it was asked just now. */
export function TestResult({ result, error, className }: TestResultProps) {
  const { t } = useTranslation();
  const isOk = result?.ok ?? false;
  const words = error?.message ?? (isOk ? t("settings.test_ok", { count: result?.models, ms: result?.latency_ms }) : result?.message);
  return (
    <p
      role="status"
      className={classNames("flex items-start gap-2 text-sm empty:hidden", isOk ? "text-good" : "text-danger", className)}
    >
      {words && (
        <>
          {isOk ? (
            <Check size={16} aria-hidden className="mt-0.5 shrink-0" />
          ) : (
            <CircleAlert size={16} aria-hidden className="mt-0.5 shrink-0" />
          )}
          <span className="tabular">{words}</span>
        </>
      )}
    </p>
  );
}
