import { ArrowLeft } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Opened } from "@/features/assistants/assistant-settings";
import { EMPTY, toDraft } from "@/features/assistants/draft";
import type { EditedAssistant } from "@/features/assistants/draft";
import { HowItAnswers } from "@/features/assistants/how-it-answers";
import { Starters } from "@/features/assistants/starters";
import { useSaveAssistant, useWholeAssistant } from "@/shared/data/assistants";
import { CheckField } from "@/shared/form/check-field";
import { Problem } from "@/shared/form/problem";
import { TextArea } from "@/shared/form/text-area";
import { useDiscard, useKept } from "@/shared/form/use-kept";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { StarterList } from "@/shared/ui/starter-list";
import { showToast } from "@/shared/ui/toasts";
import type { WholeAssistant } from "@/shared/wire/resources";

interface EditorProps {
  opened: Opened;
  isAdmin: boolean;
  modelPicker(value: string, onChange: (model: string) => void): ReactNode;
  onDone(): void;
}

/** Waits for what is to be edited; what is then written is kept until it is saved or discarded. */
export function AssistantEditor({ opened, ...rest }: EditorProps) {
  const { t } = useTranslation();
  const source = useWholeAssistant(opened.kind === "new" ? null : opened.id);
  if (source.error) return <Problem text={source.error.message} />;
  if (opened.kind === "new") return <EditorForm name="new" source={null} start={EMPTY} {...rest} />;
  if (!source.data || source.isFetching) return null;
  const { name } = source.data;
  const isCopy = opened.kind === "copy";
  const start = { ...toDraft(source.data), ...(isCopy ? { name: t("assistants.copy_of", { name }).slice(0, 80), isShared: false } : {}) };
  return <EditorForm name={`${opened.kind}.${opened.id}`} source={isCopy ? null : source.data} start={start} {...rest} />;
}

interface EditorFormProps extends Omit<EditorProps, "opened"> {
  /** Which editor it is, of those whose text may be kept. */
  name: string;
  /** What is changed; null for a new one. */
  source: WholeAssistant | null;
  start: EditedAssistant;
}

function EditorForm({ name: place, source, start, isAdmin, modelPicker, onDone }: EditorFormProps) {
  const { t } = useTranslation();
  const kept = useKept(`assistant.${place}`, { edited: start, readAt: source?.updated_at });
  const { value, isKept, write, drop } = kept;
  const { edited, readAt } = value;
  const [isNameMissing, setIsNameMissing] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const { mutate: save, isPending, error } = useSaveAssistant();
  const set = (change: Partial<EditedAssistant>) => write({ edited: { ...edited, ...change }, readAt });
  useEffect(() => first.current?.focus(), []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { isShared, ...draft } = edited;
    const name = draft.name.trim();
    setIsNameMissing(name === "");
    if (name === "") return first.current?.focus();
    const starters = draft.starters.map((starter) => starter.trim()).filter(Boolean);
    save(
      { id: source?.id ?? null, draft: { ...draft, name, starters }, readAt, isShared: isAdmin ? isShared : undefined },
      {
        onSuccess: () => {
          drop();
          showToast(t("assistants.saved", { name }));
          onDone();
        },
      },
    );
  };
  const discard = useDiscard(kept);
  const leave = () => {
    discard();
    onDone();
  };
  return (
    <div>
      <Button kind="quiet" onClick={onDone} className="-ml-3.5">
        <ArrowLeft size={16} aria-hidden />
        {t("assistants.back")}
      </Button>
      <div className="grid gap-x-12 gap-y-10 pt-4 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <form onSubmit={submit} aria-label={source ? t("assistants.edit", { name: source.name }) : t("assistants.new")} className="flex flex-col gap-5">
          <Field
            ref={first}
            label={t("assistants.name")}
            value={edited.name}
            maxLength={80}
            autoComplete="off"
            error={isNameMissing && edited.name.trim() === "" ? t("assistants.needs_name") : null}
            onChange={(event) => set({ name: event.target.value })}
          />
          <Field
            label={t("assistants.description")}
            hint={t("assistants.description_hint")}
            value={edited.description}
            maxLength={300}
            autoComplete="off"
            onChange={(event) => set({ description: event.target.value })}
          />
          <TextArea
            label={t("assistants.instructions")}
            hint={t("assistants.instructions_hint")}
            rows={8}
            maxLength={100_000}
            value={edited.instructions}
            onChange={(event) => set({ instructions: event.target.value })}
          />
          <HowItAnswers edited={edited} onChange={set} modelPicker={modelPicker} />
          <Starters starters={edited.starters} onChange={(starters) => set({ starters })} />
          <ToolNames tools={edited.tools} onChange={(tools) => set({ tools })} />
          <CheckField
            label={t("assistants.uses_memory")}
            hint={t("assistants.uses_memory_hint")}
            checked={edited.uses_memory ?? true}
            onChange={(uses_memory) => set({ uses_memory })}
          />
          {isAdmin && (
            <CheckField
              label={t("assistants.share")}
              hint={t("assistants.share_hint")}
              checked={edited.isShared}
              onChange={(isShared) => set({ isShared })}
            />
          )}
          <Problem text={error?.message} />
          {isKept && <p className="text-sm text-quiet">{t("form.not_saved")}</p>}
          <div className="flex gap-2">
            <Button kind="primary" type="submit" disabled={isPending}>
              {t("assistants.save")}
            </Button>
            <Button kind="quiet" onClick={leave}>
              {isKept ? t("form.discard") : t("ui.cancel")}
            </Button>
          </div>
        </form>
        <Preview edited={edited} />
      </div>
    </div>
  );
}

function ToolNames({ tools, onChange }: { tools: string[]; onChange(tools: string[]): void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(tools.join(", "));
  const change = (next: string) => {
    setText(next);
    onChange(next.split(/[\s,]+/).filter(Boolean));
  };
  return (
    <Field label={t("assistants.tools")} hint={t("assistants.tools_hint")} value={text} autoComplete="off" onChange={(event) => change(event.target.value)} />
  );
}

/** What people see who choose it, as it is being written. */
function Preview({ edited }: { edited: EditedAssistant }) {
  const { t } = useTranslation();
  const starters = edited.starters.filter((starter) => starter.trim() !== "");
  return (
    <section aria-label={t("assistants.preview")} className="self-start lg:sticky lg:top-0">
      <h3 className="text-xs font-medium text-quiet">{t("assistants.preview")}</h3>
      <div className="mt-2 rounded-md border border-line px-4 pt-4 pb-2">
        <p className="text-lg font-semibold tracking-[-0.01em] wrap-anywhere">{edited.name || t("assistants.new")}</p>
        {edited.description && <p className="pt-0.5 text-sm leading-5 text-quiet wrap-anywhere">{edited.description}</p>}
        {starters.length === 0 ? (
          <p className="pt-3 pb-2 text-sm text-quiet">{t("assistants.preview_empty")}</p>
        ) : (
          <StarterList starters={starters.map((title, index) => ({ id: String(index), title }))} className="mt-3" />
        )}
      </div>
    </section>
  );
}
