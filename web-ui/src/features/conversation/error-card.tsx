import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import type { AnswerView } from "@/features/conversation/answer-view";
import { OVER_BUDGET, UsageLink } from "@/features/conversation/usage-link";

/** Codes whose remedy is in the settings, not in trying again. */
const IN_SETTINGS = new Set(["provider_key_refused", "model_not_found"]);

/** What happened, what was kept, what to do. */
export function ErrorCard({ view, onRetry }: { view: AnswerView; onRetry(): void }) {
  const { t, i18n } = useTranslation();
  const { error } = view;
  const code = error?.code ?? "unknown";
  // The server's sentence mostly says itself what was kept.
  const saysKept = /\bkept\b/.test(error?.message ?? "");
  const kept = hasText(view) ? t("conversation.kept_text") : t("conversation.kept_message");
  const advice = i18n.exists(`conversation.advice.${code}`) ? t(`conversation.advice.${code}`) : null;
  return (
    <div role="alert" className="mt-3 mb-1 rounded-md border border-danger-line bg-danger-soft px-4 py-3 text-sm">
      <p className="font-medium text-danger">
        {hasText(view) ? t("conversation.failed_partly") : t("conversation.failed")}
      </p>
      <p className="pt-1 text-ink">
        {error?.message ?? t("conversation.failed_unknown")} {!saysKept && kept} {advice}
      </p>
      <div className="-mx-2 flex flex-wrap gap-1 pt-1.5">
        <button type="button" onClick={onRetry} className="min-h-8 rounded-sm px-2 font-medium text-accent hover:bg-hover">
          {t("ui.try_again")}
        </button>
        {code === OVER_BUDGET && <UsageLink />}
        {IN_SETTINGS.has(code) && (
          <Link href="/settings" className="inline-flex min-h-8 items-center rounded-sm px-2 font-medium text-accent hover:bg-hover">
            {t("conversation.open_settings")}
          </Link>
        )}
      </div>
    </div>
  );
}

function hasText(view: AnswerView): boolean {
  return view.parts.some((part) => part.kind !== "reasoning");
}
