import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";

import type { Account } from "@/features/account/account-data";
import { useAccount } from "@/features/account/account-data";
import { ApiKeys } from "@/features/account/api-keys";
import { Devices } from "@/features/account/devices";
import { LinkedAccounts } from "@/features/account/linked-accounts";
import { OwnData } from "@/features/account/own-data";
import { PasswordSettings } from "@/features/account/password-settings";
import { ProfileForm } from "@/features/account/profile-form";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { Listing } from "@/shared/table/listing";

/** Who one is here, how one gets in, and what is kept. */
export function AccountSettings() {
  const query = useAccount();
  return (
    <Listing query={query} isEmpty={false} empty="">
      {query.data && <Sections account={query.data} />}
    </Listing>
  );
}

function Sections({ account }: { account: Account }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-12">
      <LinkRefusal />
      <Section title={t("account.profile")} lead={t("account.role_is", { role: t(`account.role.${account.role}`) })}>
        <ProfileForm key={account.id} account={account} />
      </Section>
      <Section title={t("account.password.title")} lead={t("account.password.lead")}>
        <PasswordSettings account={account} />
      </Section>
      <Section title={t("account.linked.title")} lead={t("account.linked.lead")}>
        <LinkedAccounts />
      </Section>
      <Section title={t("account.devices.title")} lead={t("account.devices.lead")}>
        <Devices />
      </Section>
      <Section title={t("account.keys.title")} lead={t("account.keys.lead")}>
        <ApiKeys />
      </Section>
      <Section title={t("account.data.title")} lead={t("account.data.lead")}>
        <OwnData account={account} />
      </Section>
    </div>
  );
}

const LINK_ERRORS = ["already_linked", "refused", "unproven", "state", "provider_down"];

/** Linking another way to sign in has failed: the code is in the address. */
function LinkRefusal() {
  const { t } = useTranslation();
  const [search] = useSearchParams();
  const code = search.get("error");
  if (!code) return null;
  const text = t(`account.linked.error.${LINK_ERRORS.includes(code) ? code : "other"}`);
  return <Problem text={text} className="rounded-md border border-danger-line bg-danger-soft px-4 py-3" />;
}
