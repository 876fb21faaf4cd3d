import { useState } from "react";
import type { FormEvent, KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { fromDateField, toDateField } from "@/features/memory/dates";
import { KINDS } from "@/features/memory/wanted";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { TextArea } from "@/shared/form/text-area";
import { isComposing } from "@/shared/keyboard/composing";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import type { MemoryDraft } from "@/shared/wire/memories";

interface MemoryFormProps {
  start: MemoryDraft;
  label: string;
  isPending: boolean;
  error: string | undefined;
  onSave(draft: MemoryDraft): void;
  onCancel(): void;
}

/** A memory as one writes it: Ctrl or ⌘ with Enter saves, Escape leaves it as it was. */
export function MemoryForm({ start, label, isPending, error, onSave, onCancel }: MemoryFormProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(start.text);
  const [kind, setKind] = useState(start.kind);
  const [from, setFrom] = useState(toDateField(start.valid_from));
  const [to, setTo] = useState(toDateField(start.valid_to));
  const canSave = text.trim() !== "" && !isPending;
  const save = () => {
    // a date that was not touched keeps its time of day
    const kept = (day: string, at: number | null) => (day === toDateField(at) ? at : fromDateField(day));
    if (canSave) onSave({ text: text.trim(), kind, valid_from: kept(from, start.valid_from), valid_to: kept(to, start.valid_to) });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save();
  };
  const press = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the fields inside are what is interacted with; their keys are heard in one place
    <form onSubmit={submit} onKeyDown={press} aria-label={label} className="flex flex-col gap-3">
      <TextArea
        label={t("memory.text")}
        hint={t("memory.text_hint")}
        rows={2}
        maxLength={2000}
        autoFocus
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <SelectField
          label={t("memory.kind_label")}
          value={kind}
          options={KINDS.map((value) => ({ value, label: t(`memory.kind.${value}`) }))}
          onChange={setKind}
          className="max-sm:col-span-2"
        />
        <Field label={t("memory.valid_from")} type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
        <Field label={t("memory.valid_to")} type="date" value={to} onChange={(event) => setTo(event.target.value)} />
      </div>
      <Problem text={error} />
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" type="submit" disabled={!canSave}>
          {t("memory.save")}
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
