import { Suspense } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Route, Switch } from "wouter";

import { useTitle } from "@/app/use-title";
import { ModelPicker } from "@/features/models/model-picker";
import { GeneralSettings } from "@/features/settings/general-settings";
import { useIsAdmin } from "@/shared/data/me";
import { Page } from "@/shared/form/page";
import { PlaceNav } from "@/shared/form/place-nav";
import { late } from "@/shared/late/late";

const AccountPart = late(() => import("@/app/account-part"), "AccountPart");
const AssistantsPart = late(() => import("@/app/assistants-part"), "AssistantsPart");
const DataPart = late(() => import("@/app/data-part"), "DataPart");
const SnippetsPart = late(() => import("@/app/snippets-part"), "SnippetsPart");
const UsagePart = late(() => import("@/app/usage-part"), "UsagePart");

export function SettingsRoute({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  const isAdmin = useIsAdmin();
  useTitle(t("settings.title"));
  const places = [
    { href: "/settings", label: t("settings.general") },
    { href: "/settings/assistants", label: t("settings.assistants") },
    { href: "/settings/snippets", label: t("settings.snippets") },
    { href: "/settings/account", label: t("settings.account") },
    { href: "/settings/data", label: t("settings.data") },
    { href: "/settings/usage", label: t("settings.usage") },
  ];
  return (
    <Page title={t("settings.title")} sidebarButton={sidebarButton} nav={<PlaceNav label={t("settings.title")} places={places} />}>
      <Suspense>
        <Switch>
          <Route path="/settings/account">
            <AccountPart />
          </Route>
          <Route path="/settings/assistants">
            <AssistantsPart />
          </Route>
          <Route path="/settings/snippets">
            <SnippetsPart />
          </Route>
          <Route path="/settings/data">
            <DataPart />
          </Route>
          <Route path="/settings/usage">
            <UsagePart />
          </Route>
          <Route>
            <GeneralSettings
              isAdmin={isAdmin}
              modelPicker={(value, onChange) => <ModelPicker value={value} onChange={onChange} side="bottom" />}
            />
          </Route>
        </Switch>
      </Suspense>
    </Page>
  );
}
