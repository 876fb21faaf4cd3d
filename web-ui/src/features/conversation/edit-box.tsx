import "@/features/conversation/tree-words";

import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Edit } from "@/features/conversation/edits";
import { changeEdit, endEdit, resumeEdit } from "@/features/conversation/edits";
import { plainText } from "@/features/conversation/rows";
import { useSaving } from "@/features/conversation/use-saving";
import { isComposing } from "@/shared/keyboard/composing";
import { useFocusBack } from "@/shared/keyboard/use-focus-back";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

interface EditBoxProps {
  message: Message;
  edit: Edit;
}

/** A message's text to be edited: Ctrl or ⌘ with Enter saves it, Escape leaves it as it was, which can be undone. */
export function EditBox({ message, edit }: EditBoxProps) {
  const { t } = useTranslation();
  const field = useRef<HTMLTextAreaElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useFocusBack(box);
  const { save, saveAndSend, isSaving } = useSaving(message, edit);
  useEffect(() => {
    const element = field.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  const canSave = edit.text.trim() !== "" && !isSaving;
  const leave = () => {
    endEdit(message.id);
    if (edit.text === plainText(message.parts)) return;
    showToast(t("tree.discarded"), { label: t("tree.undo"), run: () => resumeEdit(message.id, edit) });
  };
  const press = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") leave();
    else if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    else if (canSave && !edit.other) save(null); // over another version only by its button
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={box} className="my-1 rounded-md border border-line-strong bg-raised focus-within:border-accent">
      <textarea
        ref={field}
        aria-label={t("tree.edit_field")}
        value={edit.text}
        rows={Math.min(16, edit.text.split("\n").length + 1)}
        onChange={(event) => changeEdit(message.id, { text: event.currentTarget.value })}
        onKeyDown={press}
        className="qd-field block max-h-[60dvh] w-full resize-y bg-transparent px-4 pt-3 pb-2 text-base leading-6 text-ink outline-none"
      />
      {edit.other && <Conflict other={edit.other} />}
      <div className="flex flex-wrap items-center justify-end gap-2 px-3 pb-3">
        <Button kind="quiet" onClick={leave}>
          {t("ui.cancel")}
        </Button>
        {message.role === "user" && (
          <Button title={t("tree.save_hint")} disabled={!canSave} onClick={saveAndSend}>
            {t("tree.save_and_send")}
          </Button>
        )}
        <Button kind="primary" disabled={!canSave} onClick={() => save(edit.other?.version ?? null)}>
          {edit.other ? t("tree.save_over") : t("tree.save")}
        </Button>
      </div>
    </div>
  );
}

/** Another tab was quicker: nothing is lost, and one can look before one decides. */
function Conflict({ other }: { other: Message }) {
  const { t } = useTranslation();
  const [isShown, setIsShown] = useState(false);
  return (
    <div role="alert" className="mx-3 mb-3 rounded-sm border border-line bg-sunken px-3 py-2 text-sm">
      <p className="flex flex-wrap items-center justify-between gap-2">
        {t("tree.conflict")}
        <Button kind="quiet" aria-expanded={isShown} onClick={() => setIsShown(!isShown)}>
          {isShown ? t("tree.hide_other") : t("tree.show_other")}
        </Button>
      </p>
      {isShown && (
        <section aria-label={t("tree.other")} className="border-t border-line pt-2">
          <p className="qd-said">{plainText(other.parts)}</p>
        </section>
      )}
    </div>
  );
}
