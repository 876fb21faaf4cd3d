import { ArrowRight, ExternalLink, RefreshCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { useProviders } from "@/shared/data/providers";
import { useRefreshModels } from "@/shared/data/models";
import { Button } from "@/shared/ui/button";
import type { Provider, ProviderPreset } from "@/shared/wire/resources";

/** Nothing but the built-in log reader answers yet: local servers first, then keys, and an honest word. */
export function Setup({ onSkip }: { onSkip(): void }) {
  const { t } = useTranslation();
  const providers = useProviders();
  const refresh = useRefreshModels();
  const found = providers.data?.items.filter((provider) => provider.origin === "found") ?? [];
  const presets = providers.data?.presets.filter((preset) => preset.needs_key) ?? [];
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="qd-column flex flex-col py-10">
        <h1 className="text-[1.625rem] leading-9 font-semibold tracking-[-0.02em]">{t("setup.title")}</h1>
        <p className="max-w-[38rem] pt-1.5 text-quiet text-pretty">{t("setup.lead")}</p>
        <section aria-labelledby="setup-local" className="pt-9">
          <div className="flex items-center justify-between gap-4 border-b border-line pb-2">
            <h2 id="setup-local" className="text-[0.9375rem] font-semibold">
              {t("setup.local")}
            </h2>
            <Button kind="quiet" onClick={() => refresh.mutate()} disabled={refresh.isPending}>
              <RefreshCw size={15} strokeWidth={1.75} aria-hidden />
              {refresh.isPending ? t("setup.looking") : t("setup.look_again")}
            </Button>
          </div>
          <LocalServers found={found} />
        </section>
        <section aria-labelledby="setup-keys" className="pt-9">
          <h2 id="setup-keys" className="border-b border-line pb-3 text-[0.9375rem] font-semibold">
            {t("setup.keys")}
          </h2>
          <ul className="gap-x-10 sm:grid sm:grid-cols-2">
            {presets.map((preset) => (
              <KeyRow key={preset.name} preset={preset} />
            ))}
          </ul>
          <p className="pt-3 text-sm text-quiet">
            {t("setup.other")}{" "}
            <Link href="/settings" className="font-medium text-accent hover:underline">
              {t("setup.other_link")}
            </Link>
          </p>
        </section>
        <section aria-labelledby="setup-reader" className="pt-9">
          <h2 id="setup-reader" className="text-[0.9375rem] font-semibold">
            {t("setup.reader")}
          </h2>
          <p className="max-w-[38rem] pt-1 pb-4 text-sm leading-6 text-soft text-pretty">{t("setup.reader_is")}</p>
          <Button onClick={onSkip}>
            {t("setup.skip")}
            <ArrowRight size={15} strokeWidth={1.75} aria-hidden />
          </Button>
        </section>
      </div>
    </div>
  );
}

function LocalServers({ found }: { found: Provider[] }) {
  const { t } = useTranslation();
  if (found.length === 0) return <p className="pt-3 text-sm leading-6 text-quiet text-pretty">{t("setup.none_found")}</p>;
  return (
    <ul>
      {found.map((provider) => (
        <li key={provider.name} className="flex items-center gap-3 border-b border-line py-3 text-sm">
          <span className="size-2 rounded-full bg-good" aria-hidden />
          <span className="font-medium">{provider.label}</span>
          <span className="min-w-0 flex-1 truncate text-quiet">{provider.base_url}</span>
          <span className="tabular text-quiet">{t("setup.models", { count: provider.models })}</span>
        </li>
      ))}
    </ul>
  );
}

function KeyRow({ preset }: { preset: ProviderPreset }) {
  const { t } = useTranslation();
  return (
    <li className="flex items-center gap-2 border-b border-line py-2 text-sm">
      <span className="min-w-0 flex-1 truncate font-medium">{preset.label}</span>
      {preset.key_url && (
        <a
          href={preset.key_url}
          target="_blank"
          rel="noreferrer noopener"
          className="inline-flex min-h-8 items-center gap-1.5 rounded-sm px-2 text-quiet hover:text-ink"
        >
          {t("setup.get_key")}
          <ExternalLink size={13} strokeWidth={1.75} aria-hidden />
        </a>
      )}
      <Link
        href={`/settings?connect=${encodeURIComponent(preset.name)}`}
        className="inline-flex min-h-8 items-center rounded-sm px-2 font-medium text-accent hover:bg-hover"
        aria-label={t("setup.enter_key_for", { name: preset.label })}
      >
        {t("setup.enter_key")}
      </Link>
    </li>
  );
}
