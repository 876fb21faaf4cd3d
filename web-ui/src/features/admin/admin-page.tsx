import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Route, Switch } from "wouter";

import { AuditLog } from "@/features/admin/audit-log";
import { Budgets } from "@/features/admin/budgets";
import { Invitations } from "@/features/admin/invitations";
import { MemoryModelPart } from "@/features/admin/memory-model";
import { People } from "@/features/admin/people";
import { Prices } from "@/features/admin/prices";
import { Rules } from "@/features/admin/rules";
import { ServerSettings } from "@/features/admin/server-settings";
import { SignInWays } from "@/features/admin/sign-in-ways";
import { Page } from "@/shared/form/page";
import { PlaceNav } from "@/shared/form/place-nav";

/** Everything that only the owner and admins see. */
export function AdminPage({ sidebarButton }: { sidebarButton: ReactNode }) {
  const { t } = useTranslation();
  const title = t("sidebar.admin");
  const places = [
    { href: "/admin", label: t("admin.people.title") },
    { href: "/admin/invitations", label: t("admin.invitations.title") },
    { href: "/admin/sign-in", label: t("admin.ways.title") },
    { href: "/admin/rules", label: t("admin.rules.title") },
    { href: "/admin/budgets", label: t("admin.budgets.title") },
    { href: "/admin/prices", label: t("admin.prices.title") },
    { href: "/admin/memory", label: t("admin.memory.place") },
    { href: "/admin/audit", label: t("admin.audit.title") },
    { href: "/admin/server", label: t("admin.server.title") },
  ];
  return (
    <Page isWide title={title} sidebarButton={sidebarButton} nav={<PlaceNav label={title} places={places} />}>
      <Switch>
        <Route path="/admin/invitations" component={Invitations} />
        <Route path="/admin/sign-in" component={SignInWays} />
        <Route path="/admin/rules" component={Rules} />
        <Route path="/admin/budgets" component={Budgets} />
        <Route path="/admin/prices" component={Prices} />
        <Route path="/admin/memory" component={MemoryModelPart} />
        <Route path="/admin/audit" component={AuditLog} />
        <Route path="/admin/server" component={ServerSettings} />
        <Route component={People} />
      </Switch>
    </Page>
  );
}
