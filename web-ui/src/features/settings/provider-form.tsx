import { ExternalLink } from "lucide-react";
import { useId, useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { TestResult } from "@/features/settings/test-result";
import { useSaveProvider, useTestProvider } from "@/shared/data/providers";
import { Button } from "@/shared/ui/button";
import { FIELD, Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";
import type { Provider, ProviderDraft, ProviderPreset } from "@/shared/wire/resources";

interface ProviderFormProps {
  /** The one to change; a new one is connected without it. */
  provider?: Provider;
  /** Which preset a new one begins with; "" is any OpenAI-compatible endpoint. */
  preset?: string;
  presets: ProviderPreset[];
  onDone(): void;
}

export function ProviderForm({ provider, preset: wanted = "", presets, onDone }: ProviderFormProps) {
  const { t } = useTranslation();
  const [preset, setPreset] = useState(() => presets.find((candidate) => candidate.name === wanted));
  const [draft, setDraft] = useState(() => firstDraft(provider, preset));
  const test = useTestProvider();
  const save = useSaveProvider();
  const change = (part: Partial<ProviderDraft>) => setDraft((known) => ({ ...known, ...part }));
  const choose = (name: string) => {
    const chosen = presets.find((candidate) => candidate.name === name);
    setPreset(chosen);
    setDraft(firstDraft(undefined, chosen));
    test.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(complete(draft), {
      onSuccess: () => {
        showToast(t("settings.connected", { name: draft.label || draft.name }));
        onDone();
      },
    });
  };
  const isReady = draft.base_url.trim() !== "" && (draft.label ?? "").trim() !== "";
  return (
    <form onSubmit={submit} className="mt-4 mb-2 flex max-w-[34rem] flex-col gap-4 rounded-md border border-line-strong bg-raised p-5">
      {!provider && <PresetChoice presets={presets} value={preset?.name ?? ""} onChange={choose} />}
      {!preset && <Field label={t("settings.name")} value={draft.label} required onChange={(event) => change({ label: event.target.value })} />}
      <Field
        label={t("settings.base_url")}
        type="url"
        required
        value={draft.base_url}
        placeholder="https://example.org/v1"
        onChange={(event) => change({ base_url: event.target.value })}
      />
      <Field
        label={t("settings.key")}
        type="password"
        autoComplete="off"
        autoFocus={preset?.needs_key ?? false}
        value={draft.key ?? ""}
        placeholder={provider?.key_set ? t("settings.key_kept") : ""}
        hint={<KeyHint preset={preset} />}
        onChange={(event) => change({ key: event.target.value })}
      />
      <TestResult result={test.data} error={test.error ?? save.error} />
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" type="submit" disabled={!isReady || save.isPending}>
          {t("ui.save")}
        </Button>
        <Button disabled={!isReady || test.isPending} onClick={() => test.mutate(complete(draft))}>
          {test.isPending ? t("settings.testing") : t("settings.test")}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}

interface PresetChoiceProps {
  presets: ProviderPreset[];
  value: string;
  onChange(name: string): void;
}

function PresetChoice({ presets, value, onChange }: PresetChoiceProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {t("settings.provider")}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)} className={FIELD}>
        <option value="">{t("settings.any_endpoint")}</option>
        {presets.map((preset) => (
          <option key={preset.name} value={preset.name}>
            {preset.label}
          </option>
        ))}
      </select>
    </div>
  );
}

function KeyHint({ preset }: { preset: ProviderPreset | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      {t("settings.key_hint")}{" "}
      {preset?.key_url && (
        <a
          href={preset.key_url}
          target="_blank"
          rel="noreferrer noopener"
          className="inline-flex items-center gap-1 font-medium text-accent hover:underline"
        >
          {t("settings.get_key")}
          <ExternalLink size={12} aria-hidden />
        </a>
      )}
    </>
  );
}

function firstDraft(provider: Provider | undefined, preset: ProviderPreset | undefined): ProviderDraft {
  const { name = "", label = "", base_url = "", dialect } = provider ?? preset ?? {};
  return { name, label, base_url, key: "", ...(dialect ? { dialect } : {}) };
}

/** A name for the wire from the label, and no key at all when none was entered. */
function complete({ name, label = "", base_url, dialect, key }: ProviderDraft): ProviderDraft {
  const slug = label.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return {
    name: name || slug || "endpoint",
    label: label.trim(),
    base_url: base_url.trim(),
    ...(dialect ? { dialect } : {}),
    ...(key?.trim() ? { key: key.trim() } : {}),
  };
}
