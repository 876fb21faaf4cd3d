import type { FormEvent, KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { fromDateField, toDateField } from "@/features/memory/dates";
import { KINDS } from "@/features/memory/wanted";
import { Problem } from "@/shared/form/problem";
import { SelectField } from "@/shared/form/select-field";
import { TextArea } from "@/shared/form/text-area";
import { useDiscard, useKept } from "@/shared/form/use-kept";
import { isComposing } from "@/shared/keyboard/composing";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import type { Memory, MemoryDraft } from "@/shared/wire/memories";

/** What is written of a memory, by its id, or of a new one: it is kept in the tab until it is saved or discarded. */
export function useKeptMemory(id: string, start: MemoryDraft & Partial<Pick<Memory, "version">>) {
  const { text, kind, valid_from, valid_to, version } = start;
  return useKept(`memory.${id}`, { text, kind, from: toDateField(valid_from), to: toDateField(valid_to), version });
}

export type KeptMemory = ReturnType<typeof useKeptMemory>;

interface MemoryFormProps {
  kept: KeptMemory;
  start: MemoryDraft;
  label: string;
  isPending: boolean;
  error: string | undefined;
  onSave(draft: MemoryDraft): void;
  onCancel(): void;
}

/** A memory as one writes it: Ctrl or ⌘ with Enter saves, Escape leaves it as it was. */
export function MemoryForm({ kept, start, label, isPending, error, onSave, onCancel }: MemoryFormProps) {
  const { t } = useTranslation();
  const { value, isKept, write } = kept;
  const { text, kind, from, to } = value;
  const discard = useDiscard(kept);
  const cancel = () => {
    discard();
    onCancel();
  };
  const canSave = text.trim() !== "" && !isPending;
  const save = () => {
    // a date that was not touched keeps its time of day
    const time = (day: string, at: number | null) => (day === toDateField(at) ? at : fromDateField(day));
    if (canSave) onSave({ text: text.trim(), kind, valid_from: time(from, start.valid_from), valid_to: time(to, start.valid_to) });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save();
  };
  const press = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") cancel();
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
        onChange={(event) => write({ ...value, text: event.target.value })}
      />
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <SelectField
          label={t("memory.kind_label")}
          value={kind}
          options={KINDS.map((value) => ({ value, label: t(`memory.kind.${value}`) }))}
          onChange={(next) => write({ ...value, kind: next })}
          className="max-sm:col-span-2"
        />
        <Field label={t("memory.valid_from")} type="date" value={from} onChange={(event) => write({ ...value, from: event.target.value })} />
        <Field label={t("memory.valid_to")} type="date" value={to} onChange={(event) => write({ ...value, to: event.target.value })} />
      </div>
      <Problem text={error} />
      {isKept && <p className="text-sm text-quiet">{t("form.not_saved")}</p>}
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" type="submit" disabled={!canSave}>
          {t("memory.save")}
        </Button>
        <Button kind="quiet" onClick={cancel}>
          {isKept ? t("form.discard") : t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
