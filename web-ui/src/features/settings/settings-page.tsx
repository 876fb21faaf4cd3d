import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { About } from "@/features/settings/about";
import { AppearanceSettings } from "@/features/settings/appearance-settings";
import { ProviderSettings } from "@/features/settings/provider-settings";
import { useServerSettings } from "@/shared/data/models";
import { useChangeDefaultModel } from "@/shared/data/models";
import { showToast } from "@/shared/ui/toasts";

interface SettingsPageProps {
  sidebarButton: ReactNode;
  /** The model picker, for the default model. */
  modelPicker(value: string, onChange: (model: string) => void): ReactNode;
}

export function SettingsPage({ sidebarButton, modelPicker }: SettingsPageProps) {
  const { t } = useTranslation();
  return (
    <>
      <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line px-3">
        {sidebarButton}
        <h1 className="px-1.5 text-[0.9375rem] font-semibold">{t("settings.title")}</h1>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="qd-column flex flex-col gap-12 pt-9 pb-20">
          <Section id="providers" title={t("settings.providers")} lead={t("settings.providers_lead")}>
            <ProviderSettings />
          </Section>
          <Section id="default-model" title={t("settings.default_model")} lead={t("settings.default_model_lead")}>
            <DefaultModel picker={modelPicker} />
          </Section>
          <Section id="appearance" title={t("settings.appearance")} lead={t("settings.appearance_lead")}>
            <AppearanceSettings />
          </Section>
          <Section id="about" title={t("settings.about")}>
            <About />
          </Section>
        </div>
      </div>
    </>
  );
}

interface SectionProps {
  id: string;
  title: string;
  lead?: string;
  children: ReactNode;
}

function Section({ id, title, lead, children }: SectionProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className="text-lg font-semibold tracking-[-0.01em]">
        {title}
      </h2>
      {lead && <p className="max-w-[38rem] pt-0.5 text-sm leading-6 text-quiet text-pretty">{lead}</p>}
      <div className="pt-4">{children}</div>
    </section>
  );
}

function DefaultModel({ picker }: { picker: SettingsPageProps["modelPicker"] }) {
  const { t } = useTranslation();
  const settings = useServerSettings();
  const { mutate } = useChangeDefaultModel();
  const change = (model: string) =>
    mutate(model, {
      onSuccess: () => showToast(t("settings.default_model_changed")),
      onError: (error) => showToast(error.message),
    });
  return <div className="-ml-2 flex">{picker(settings.data?.default_model ?? "", change)}</div>;
}
