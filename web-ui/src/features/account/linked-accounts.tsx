import { Link2 } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { LinkedAccount } from "@/features/account/account-data";
import { useLinkedAccounts, useSignInProviders, useUnlink } from "@/features/account/account-data";
import { Listing } from "@/shared/table/listing";
import { RowAction } from "@/shared/table/row-action";
import { ago } from "@/shared/time/ago";
import { showToast } from "@/shared/ui/toasts";

/** Other ways to sign in to this account. */
export function LinkedAccounts() {
  const { t } = useTranslation();
  const linked = useLinkedAccounts();
  const providers = useSignInProviders().data?.providers ?? [];
  const items = linked.data?.items ?? [];
  const open = providers.filter(({ name }) => !items.some((item) => item.provider === name));
  const labels = Object.fromEntries(providers.map(({ name, label }) => [name, label || name]));
  return (
    <>
      <Listing
        query={linked}
        isEmpty={items.length === 0}
        empty={providers.length > 0 ? t("account.linked.empty") : t("account.linked.no_providers")}
      >
        <ul className="border-t border-line">
          {items.map((item) => (
            <LinkedRow key={item.issuer + item.subject_hint} item={item} provider={labels[item.provider] ?? item.provider} />
          ))}
        </ul>
      </Listing>
      <div className="flex flex-wrap gap-2 pt-4 empty:hidden">
        {open.map(({ name, label }) => (
          <a
            key={name}
            href={`/api/oauth/${encodeURIComponent(name)}/start?link=1`}
            className="inline-flex min-h-9 items-center gap-2 rounded-md border border-line-strong bg-raised px-3.5 text-sm font-medium hover:bg-hover"
          >
            <Link2 size={15} strokeWidth={1.75} aria-hidden />
            {t("account.linked.link", { name: label || name })}
          </a>
        ))}
      </div>
    </>
  );
}

function LinkedRow({ item, provider }: { item: LinkedAccount; provider: string }) {
  const { t, i18n } = useTranslation();
  const { mutate, isPending } = useUnlink();
  return (
    <li className="flex items-center gap-3 border-b border-line py-3 text-sm">
      <div className="min-w-0 flex-1">
        <p className="font-medium">{provider}</p>
        <p className="text-quiet wrap-anywhere">
          {[item.label, t("account.linked.seen", { when: ago(item.seen_at, i18n.language) })].filter(Boolean).join(" · ")}
        </p>
      </div>
      <RowAction
        danger
        disabled={isPending}
        aria-label={t("account.linked.unlink_named", { name: provider })}
        onClick={() => mutate(item.provider, { onError: (error) => showToast(error.message) })}
      >
        {t("account.linked.unlink")}
      </RowAction>
    </li>
  );
}
