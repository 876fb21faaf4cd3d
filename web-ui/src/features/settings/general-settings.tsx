import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { About } from "@/features/settings/about";
import { AppearanceSettings } from "@/features/settings/appearance-settings";
import { ProviderSettings } from "@/features/settings/provider-settings";
import { Section } from "@/shared/form/section";
import { useChangeDefaultModel, useServerSettings } from "@/shared/data/models";
import { showToast } from "@/shared/ui/toasts";

interface GeneralSettingsProps {
  /** Whether they may connect models for everybody. */
  isAdmin: boolean;
  /** The model picker, for the default model. */
  modelPicker(value: string, onChange: (model: string) => void): ReactNode;
}

export function GeneralSettings({ isAdmin, modelPicker }: GeneralSettingsProps) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-12">
      {isAdmin && (
        <>
          <Section title={t("settings.providers")} lead={t("settings.providers_lead")}>
            <ProviderSettings />
          </Section>
          <Section title={t("settings.default_model")} lead={t("settings.default_model_lead")}>
            <DefaultModel picker={modelPicker} />
          </Section>
        </>
      )}
      <Section title={t("settings.appearance")} lead={t("settings.appearance_lead")}>
        <AppearanceSettings />
      </Section>
      <Section title={t("settings.about")}>
        <About />
      </Section>
    </div>
  );
}

function DefaultModel({ picker }: { picker: GeneralSettingsProps["modelPicker"] }) {
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
