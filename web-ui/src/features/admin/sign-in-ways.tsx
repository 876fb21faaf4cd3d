import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange, useList } from "@/features/admin/admin-data";
import type { IdentityProvider } from "@/features/admin/identity-provider";
import { IdentityProviderForm } from "@/features/admin/identity-provider-form";
import { ConfirmDialog } from "@/shared/form/confirm-dialog";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { Listing } from "@/shared/table/listing";
import { RowAction } from "@/shared/table/row-action";
import { Button } from "@/shared/ui/button";

/** Where else people can sign in: Google, Microsoft, GitHub, or any provider that speaks OpenID Connect. */
export function SignInWays() {
  const { t } = useTranslation();
  const query = useList<IdentityProvider>("identity-providers");
  /** A provider's name, "" for a new one, null when the form is closed. */
  const [editing, setEditing] = useState<string | null>(null);
  const items = query.data?.items ?? [];
  const close = () => setEditing(null);
  return (
    <Section title={t("admin.ways.title")} lead={t("admin.ways.lead")}>
      <Listing query={query} isEmpty={items.length === 0 && editing === null} empty={t("admin.ways.empty")}>
        <ul className="border-t border-line">
          {items.map((provider) => (
            <li key={provider.name} className="border-b border-line">
              {editing === provider.name ? (
                <IdentityProviderForm provider={provider} onDone={close} />
              ) : (
                <ProviderRow provider={provider} onEdit={() => setEditing(provider.name)} />
              )}
            </li>
          ))}
        </ul>
      </Listing>
      {editing === "" ? (
        <IdentityProviderForm onDone={close} />
      ) : (
        <Button className="mt-4" onClick={() => setEditing("")}>
          <Plus size={16} strokeWidth={1.75} aria-hidden />
          {t("admin.ways.add")}
        </Button>
      )}
    </Section>
  );
}

function ProviderRow({ provider, onEdit }: { provider: IdentityProvider; onEdit(): void }) {
  const { t } = useTranslation();
  const { name, label, issuer, sign_up, domains, origin } = provider;
  const test = useAdminChange<{ ok: boolean; message: string }>("identity-providers");
  const [isRemoving, setIsRemoving] = useState(false);
  const isFixed = origin === "environment";
  const policy = t(`admin.ways.sign_up.${sign_up}`, { domains: domains.join(", ") });
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 py-3">
      <div className="min-w-56 flex-1 text-sm">
        <p className="font-medium">{label || name}</p>
        <p className="text-quiet wrap-anywhere">{[issuer, policy, isFixed ? t("admin.ways.fixed") : ""].filter(Boolean).join(" · ")}</p>
      </div>
      <div className="-mx-2 flex">
        <RowAction disabled={test.isPending} onClick={() => test.mutate({ method: "POST", steps: [name, "test"] })}>
          {test.isPending ? t("admin.ways.testing") : t("admin.ways.test")}
        </RowAction>
        {!isFixed && (
          <>
            <RowAction onClick={onEdit} className="text-soft">
              {t("admin.change")}
            </RowAction>
            <RowAction danger onClick={() => setIsRemoving(true)}>
              {t("admin.remove")}
            </RowAction>
          </>
        )}
      </div>
      <div className="w-full empty:hidden">
        <TestVerdict verdict={test.data} error={test.error} />
      </div>
      {isRemoving && <RemoveDialog provider={provider} onClose={() => setIsRemoving(false)} />}
    </div>
  );
}

function TestVerdict({ verdict, error }: { verdict: { ok: boolean; message: string } | undefined; error: Error | null }) {
  if (error) return <Problem text={error.message} />;
  if (!verdict) return null;
  return verdict.ok ? (
    <p role="status" className="text-sm text-good">
      {verdict.message}
    </p>
  ) : (
    <Problem text={verdict.message} />
  );
}

function RemoveDialog({ provider, onClose }: { provider: IdentityProvider; onClose(): void }) {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useAdminChange("identity-providers");
  const name = provider.label || provider.name;
  return (
    <ConfirmDialog
      title={t("admin.ways.remove_title", { name })}
      action={t("admin.remove")}
      error={error?.message}
      isPending={isPending}
      onConfirm={() => mutate({ method: "DELETE", steps: [provider.name] })}
      onClose={onClose}
    >
      {t("admin.ways.remove_text")}
    </ConfirmDialog>
  );
}
