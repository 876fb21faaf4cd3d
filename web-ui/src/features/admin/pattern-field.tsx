import { useId } from "react";
import { useTranslation } from "react-i18next";

import { useModels } from "@/shared/data/models";
import { Field } from "@/shared/ui/field";

interface PatternFieldProps {
  label: string;
  value: string;
  hint?: string;
  onChange(value: string): void;
}

/** A model, or several by `*`; those that are connected are offered. */
export function PatternField({ label, value, hint, onChange }: PatternFieldProps) {
  const { t } = useTranslation();
  const list = useId();
  const models = useModels().data?.items ?? [];
  const providers = [...new Set(models.map(({ provider }) => provider))];
  return (
    <>
      <Field
        label={label}
        required
        list={list}
        autoComplete="off"
        spellCheck={false}
        value={value}
        hint={hint ?? t("admin.pattern_hint")}
        onChange={(event) => onChange(event.target.value)}
        className="min-w-56 flex-1"
      />
      <datalist id={list}>
        {providers.map((provider) => (
          <option key={provider} value={`${provider}/*`} />
        ))}
        {models.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}
