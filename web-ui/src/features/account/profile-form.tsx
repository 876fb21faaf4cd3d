import { useId } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "@/features/account/account-data";
import { useChangeAccount } from "@/features/account/account-data";
import { Problem } from "@/shared/form/problem";
import { useDiscard, useKept } from "@/shared/form/use-kept";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

/** What is changed and not saved. */
type Edits = Partial<Record<"name" | "email" | "zone" | "about", string>>;

export function ProfileForm({ account }: { account: Account }) {
  const { t } = useTranslation();
  const kept = useKept<Edits>("profile", {});
  const discard = useDiscard(kept);
  const { name = account.name, email = account.email, zone = account.time_zone ?? "", about = account.about } = kept.value;
  const set = (edits: Edits) => kept.write({ ...kept.value, ...edits });
  const { mutate, isPending, error } = useChangeAccount();
  const change = {
    ...(name.trim() === account.name ? {} : { name: name.trim() }),
    ...(email.trim() === account.email ? {} : { email: email.trim() }),
    ...(zone.trim() === account.time_zone ? {} : { time_zone: zone.trim() }),
    ...(about.trim() === account.about ? {} : { about: about.trim() }),
  };
  const isChanged = Object.keys(change).length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutate(change, {
      onSuccess: () => {
        kept.drop();
        showToast(t("account.saved"));
      },
    });
  };
  return (
    <form onSubmit={submit} className="flex max-w-[26rem] flex-col gap-4">
      <Field
        label={t("account.name")}
        autoComplete="username"
        spellCheck={false}
        required
        value={name}
        hint={t("account.name_hint")}
        onChange={(event) => set({ name: event.target.value })}
      />
      <Field
        label={t("account.email")}
        type="email"
        autoComplete="email"
        value={email}
        hint={t("account.email_hint")}
        onChange={(event) => set({ email: event.target.value })}
      />
      <Field
        label={t("account.time_zone")}
        list="qd-zones"
        spellCheck={false}
        value={zone}
        hint={t("account.time_zone_hint")}
        onChange={(event) => set({ zone: event.target.value })}
      />
      <datalist id="qd-zones">
        {Intl.supportedValuesOf("timeZone").map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <AboutField value={about} onChange={(next) => set({ about: next })} />
      <Problem text={error?.message} />
      {isChanged && <p className="text-sm text-quiet">{t("form.not_saved")}</p>}
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={!isChanged || name.trim() === "" || isPending}>
          {t("ui.save")}
        </Button>
        {kept.isKept && (
          <Button kind="quiet" onClick={discard}>
            {t("form.discard")}
          </Button>
        )}
      </div>
    </form>
  );
}

function AboutField({ value, onChange }: { value: string; onChange(value: string): void }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {t("account.about")}
      </label>
      <textarea
        id={id}
        rows={4}
        value={value}
        maxLength={20_000}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
        className="qd-field rounded-md border border-line-strong bg-raised px-3 py-2 text-sm leading-6 text-ink"
      />
      <p id={`${id}-hint`} className="text-xs text-quiet">
        {t("account.about_hint")}
      </p>
    </div>
  );
}
