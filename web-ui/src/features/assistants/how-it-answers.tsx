import { X } from "lucide-react";
import { useId } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { EditedAssistant } from "@/features/assistants/draft";
import { SelectField } from "@/shared/form/select-field";
import { IconButton } from "@/shared/ui/icon-button";

interface HowItAnswersProps {
  edited: EditedAssistant;
  onChange(change: Partial<EditedAssistant>): void;
  modelPicker(value: string, onChange: (model: string) => void): ReactNode;
}

const MIDDLE = 0.7;

/** Model, temperature and format. */
export function HowItAnswers({ edited, onChange, modelPicker }: HowItAnswersProps) {
  const { t } = useTranslation();
  return (
    <>
      <div role="group" aria-label={t("assistants.model")} className="flex flex-col gap-1.5">
        <span className="text-sm font-medium">{t("assistants.model")}</span>
        <div className="-ml-2 flex items-center gap-1">
          {modelPicker(edited.model, (model) => onChange({ model }))}
          {edited.model !== "" && <IconButton icon={X} small label={t("assistants.any_model")} onClick={() => onChange({ model: "" })} />}
        </div>
        <p className="text-sm text-quiet">{edited.model === "" ? t("assistants.any_model") : t("assistants.model_hint")}</p>
      </div>
      <Temperature value={edited.temperature} onChange={(temperature) => onChange({ temperature })} />
      <SelectField
        label={t("assistants.format")}
        hint={edited.format === "tagged" ? t("assistants.format_hint") : undefined}
        value={edited.format}
        options={[
          { value: "plain", label: t("assistants.plain") },
          { value: "tagged", label: t("assistants.tagged") },
        ]}
        onChange={(format) => onChange({ format })}
      />
    </>
  );
}

function Temperature({ value, onChange }: { value: number | null; onChange(value: number | null): void }) {
  const { t } = useTranslation();
  const id = useId();
  const isOwn = value === null;
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex items-center justify-between gap-3">
        <label htmlFor={id} className="text-sm font-medium">
          {t("assistants.temperature")}
        </label>
        <label className="flex min-h-6 cursor-pointer items-center gap-2 text-sm text-quiet">
          <input type="checkbox" className="size-4" checked={isOwn} onChange={(event) => onChange(event.target.checked ? null : MIDDLE)} />
          {t("assistants.temperature_own")}
        </label>
      </div>
      <div className="flex items-center gap-3">
        <input
          id={id}
          type="range"
          min={0}
          max={2}
          step={0.1}
          value={value ?? MIDDLE}
          disabled={isOwn}
          onChange={(event) => onChange(Number(event.target.value))}
          className="h-6 flex-1 disabled:opacity-40"
        />
        <output htmlFor={id} className="tabular w-8 text-right text-sm text-soft">
          {isOwn ? "–" : value.toFixed(1)}
        </output>
      </div>
    </div>
  );
}
