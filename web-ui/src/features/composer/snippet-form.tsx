import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Filling } from "@/features/composer/use-snippet-menu";
import { TextArea } from "@/shared/form/text-area";
import { isComposing } from "@/shared/keyboard/composing";
import { fill } from "@/shared/snippets/fill";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";

interface SnippetFormProps {
  filling: Filling;
  onInsert(text: string): void;
  onClose(): void;
}

/** Asks for a snippet's variables, a field each. */
export function SnippetForm({ filling: { snippet, asked, known }, onInsert, onClose }: SnippetFormProps) {
  const { t } = useTranslation();
  const [values, setValues] = useState(() => new Map(asked.map(({ name, preset }) => [name, preset])));
  const first = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    first.current?.focus();
  }, []); // after the dialog has given the focus to its own button
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    onInsert(fill(snippet.text, new Map([...known, ...values])));
  };
  return (
    <Dialog title={t("composer.snippet_fill", { name: snippet.name })} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4 px-5 pt-4 pb-5">
        {asked.map(({ name }, index) => (
          <TextArea
            key={name}
            label={name}
            rows={1}
            ref={index === 0 ? first : undefined}
            value={values.get(name)}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setValues(new Map(values).set(name, event.target.value))}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }}
          />
        ))}
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            {t("ui.cancel")}
          </Button>
          <Button kind="primary" type="submit">
            {t("composer.snippet_insert")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
