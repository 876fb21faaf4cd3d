import { useId } from "react";
import { useTranslation } from "react-i18next";

import { setAppearance, useAppearance } from "@/shared/appearance/appearance";
import type { Face, Size, Theme } from "@/shared/appearance/appearance";

const THEMES: Theme[] = ["system", "light", "dark"];
const FACES: Face[] = ["sans", "serif"];
const SIZES: Size[] = ["small", "medium", "large", "larger"];

export function AppearanceSettings() {
  const { t } = useTranslation();
  const { theme, face, size } = useAppearance();
  return (
    <div className="flex flex-col">
      <Choice label={t("settings.theme.label")} words="theme" options={THEMES} value={theme} onChange={(next) => setAppearance({ theme: next })} />
      <Choice label={t("settings.face.label")} words="face" options={FACES} value={face} onChange={(next) => setAppearance({ face: next })} />
      <Choice label={t("settings.size.label")} words="size" options={SIZES} value={size} onChange={(next) => setAppearance({ size: next })} />
      <p className="qd-reading mt-5 rounded-md border border-line px-5 py-4">{t("settings.sample")}</p>
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  words: string;
  options: Value[];
  value: Value;
  onChange(value: Value): void;
}

/** Radio buttons side by side, one hairline around all of them. */
function Choice<Value extends string>({ label, words, options, value, onChange }: ChoiceProps<Value>) {
  const { t } = useTranslation();
  const name = useId();
  return (
    <fieldset className="flex flex-wrap items-center justify-between gap-3 border-b border-line py-3">
      <legend className="float-left text-sm">{label}</legend>
      <div className="flex overflow-hidden rounded-md border border-line-strong">
        {options.map((option) => (
          <label
            key={option}
            className="relative flex min-h-9 cursor-pointer items-center border-line-strong px-3.5 text-sm text-soft not-first:border-l hover:bg-hover has-checked:bg-accent-soft has-checked:font-medium has-checked:text-accent has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              value={option}
              checked={option === value}
              onChange={() => onChange(option)}
              className="absolute inset-0 cursor-pointer opacity-0"
            />
            {t(`settings.${words}.${option}`)}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
