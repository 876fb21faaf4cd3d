import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { ModelPicker } from "@/features/models/model-picker";
import { SettingsPage } from "@/features/settings/settings-page";

export function SettingsRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  useTitle(t("settings.title"));
  return (
    <SettingsPage
      sidebarButton={sidebarButton}
      modelPicker={(value, onChange) => <ModelPicker value={value} onChange={onChange} side="bottom" />}
    />
  );
}
