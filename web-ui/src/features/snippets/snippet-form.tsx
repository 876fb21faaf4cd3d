import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useSaveSnippet } from "@/shared/data/snippets";
import { Problem } from "@/shared/form/problem";
import { TextArea } from "@/shared/form/text-area";
import { askedFor } from "@/shared/snippets/fill";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import type { Snippet } from "@/shared/wire/resources";

interface SnippetFormProps {
  /** Null for a new one. */
  snippet: Snippet | null;
  onDone(): void;
}

const NAME = /^[\p{L}\p{N}_-]{1,50}$/u;

export function SnippetForm({ snippet, onDone }: SnippetFormProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(snippet?.name ?? "");
  const [text, setText] = useState(snippet?.text ?? "");
  const [wasTried, setWasTried] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const { mutate: save, isPending, error } = useSaveSnippet();
  useEffect(() => first.current?.focus(), []);

  const isNameWrong = !NAME.test(name);
  const asked = askedFor(text).map((variable) => variable.name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasTried(true);
    if (isNameWrong || text.trim() === "") return;
    save({ id: snippet?.id ?? null, draft: { name, text } }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit} aria-label={snippet ? t("snippets.edit", { name: snippet.name }) : t("snippets.new")} className="flex flex-col gap-4">
      <Field
        ref={first}
        label={t("snippets.name")}
        hint={t("snippets.name_hint")}
        value={name}
        maxLength={50}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        error={wasTried && isNameWrong ? t("snippets.wrong_name") : null}
        onChange={(event) => setName(event.target.value.trim().toLowerCase())}
      />
      <TextArea
        label={t("snippets.text")}
        hint={t("snippets.text_hint", { skipInterpolation: true })}
        rows={5}
        maxLength={20_000}
        value={text}
        error={wasTried && text.trim() === "" ? t("snippets.needs_text") : null}
        onChange={(event) => setText(event.target.value)}
      />
      <p role="status" className="text-sm text-quiet empty:hidden">
        {asked.length > 0 && t("snippets.asks_for", { names: asked.join(", ") })}
      </p>
      <Problem text={error?.message} />
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending}>
          {t("snippets.save")}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
