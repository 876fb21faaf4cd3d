import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import type { IdentityProvider, ProviderDraft } from "@/features/admin/identity-provider";
import { KINDS, POLICIES, bodyOf, firstDraft, nameFor, withKind } from "@/features/admin/identity-provider";
import { CopyLine } from "@/shared/form/copy-line";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { readPageAddress } from "@/shared/http/page-address";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

interface IdentityProviderFormProps {
  /** The one to change; a new one is added without it. */
  provider?: IdentityProvider;
  onDone(): void;
}

export function IdentityProviderForm({ provider, onDone }: IdentityProviderFormProps) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(() => firstDraft(provider));
  const { mutate, isPending, error } = useAdminChange<IdentityProvider>("identity-providers");
  const change = (part: Partial<ProviderDraft>) => setDraft((known) => ({ ...known, ...part }));
  const name = provider?.name ?? nameFor(draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutate(
      { method: "PUT", steps: [name], body: bodyOf(draft) },
      {
        onSuccess: () => {
          showToast(t("admin.saved"));
          onDone();
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="mt-4 mb-4 flex max-w-[38rem] flex-col gap-4 rounded-md border border-line-strong bg-raised p-5">
      <SelectField
        label={t("admin.ways.kind")}
        value={draft.kind}
        options={KINDS.map((value) => ({ value, label: t(`admin.ways.kinds.${value}`) }))}
        onChange={(kind) => setDraft(withKind(draft, kind))}
      />
      <Field
        label={t("admin.ways.label")}
        required
        value={draft.label}
        hint={t("admin.ways.label_hint")}
        onChange={(event) => change({ label: event.target.value })}
      />
      <CopyLine
        label={t("admin.ways.redirect_uri")}
        value={provider?.redirect_uri ?? `${readPageAddress()}/api/oauth/${name}/callback`}
        hint={t("admin.ways.redirect_uri_hint")}
      />
      {(draft.kind === "oidc" || draft.kind === "microsoft") && (
        <Field
          label={t("admin.ways.issuer")}
          type="url"
          required={draft.kind === "oidc"}
          value={draft.issuer}
          placeholder="https://"
          hint={t(`admin.ways.issuer_hint.${draft.kind}`)}
          onChange={(event) => change({ issuer: event.target.value })}
        />
      )}
      <Field
        label={t("admin.ways.client_id")}
        required
        autoComplete="off"
        value={draft.client_id}
        onChange={(event) => change({ client_id: event.target.value })}
      />
      <Field
        label={t("admin.ways.client_secret")}
        type="password"
        autoComplete="off"
        value={draft.client_secret}
        placeholder={provider?.has_secret ? t("admin.ways.secret_kept") : ""}
        hint={t("admin.ways.secret_hint")}
        onChange={(event) => change({ client_secret: event.target.value })}
      />
      <SelectField
        label={t("admin.ways.who")}
        value={draft.sign_up}
        options={POLICIES.map((value) => ({ value, label: t(`admin.ways.policy.${value}`) }))}
        onChange={(sign_up) => change({ sign_up })}
        hint={t("admin.ways.who_hint")}
      />
      {draft.sign_up === "domain" && (
        <Field
          label={t("admin.ways.domains")}
          required
          value={draft.domains}
          placeholder="example.org"
          onChange={(event) => change({ domains: event.target.value })}
        />
      )}
      <Problem text={error?.message} />
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending}>
          {t("ui.save")}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
