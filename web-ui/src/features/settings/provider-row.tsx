import { useTranslation } from "react-i18next";

import { useRemoveProvider, useTestProvider } from "@/shared/data/providers";
import { TestResult } from "@/features/settings/test-result";
import { classNames } from "@/shared/ui/class-names";
import { showToast } from "@/shared/ui/toasts";
import type { Provider } from "@/shared/wire/resources";

const DOTS: Record<Provider["state"], string> = {
  ok: "bg-good",
  failing: "bg-danger",
  unknown: "border border-edge",
};

const ACTION = "min-h-8 rounded-sm px-2 text-sm font-medium hover:bg-hover disabled:opacity-50";

export function ProviderRow({ provider, onEdit }: { provider: Provider; onEdit(): void }) {
  const { t } = useTranslation();
  const test = useTestProvider();
  const { mutate: remove } = useRemoveProvider();
  const { name, label, base_url, state, dialect } = provider;
  const isBuiltIn = name === "builtin";
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 py-3">
      <span role="img" aria-label={t(`settings.state.${state}`)} className={classNames("size-2 shrink-0 rounded-full", DOTS[state])} />
      <div className="min-w-48 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-2 text-sm">
          <span className="font-medium">{label}</span>
          <span className="tabular text-quiet">{provider.models > 0 && t("settings.models", { count: provider.models })}</span>
        </p>
        <p className="text-sm text-quiet wrap-anywhere sm:truncate" title={base_url}>
          {describe(provider, t)}
        </p>
        {state === "failing" && provider.message && <p className="text-sm text-danger">{provider.message}</p>}
      </div>
      {!isBuiltIn && (
        <div className="-mr-2 flex max-sm:pl-3">
          <button
            type="button"
            className={`${ACTION} text-accent`}
            disabled={test.isPending}
            onClick={() => test.mutate({ name, base_url, dialect })}
          >
            {test.isPending ? t("settings.testing") : t("settings.test")}
          </button>
          <button type="button" className={`${ACTION} text-soft`} onClick={onEdit}>
            {t("settings.change")}
          </button>
          {provider.origin === "settings" && (
            <button
              type="button"
              className={`${ACTION} text-danger`}
              onClick={() => remove(name, { onError: (error) => showToast(error.message) })}
            >
              {t("settings.remove")}
            </button>
          )}
        </div>
      )}
      <TestResult result={test.data} error={test.error} className="w-full pl-5" />
    </div>
  );
}

function describe(provider: Provider, t: (key: string, options?: Record<string, unknown>) => string): string {
  const key = provider.key_hint ? t("settings.key_ends", { hint: provider.key_hint }) : t("settings.key_is_set");
  return [provider.base_url, provider.key_set ? key : null, t(`settings.origin.${provider.origin}`)]
    .filter(Boolean)
    .join(" · ");
}
