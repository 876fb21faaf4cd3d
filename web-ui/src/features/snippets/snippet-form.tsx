import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useSaveSnippet } from "@/shared/data/snippets";
import { Problem } from "@/shared/form/problem";
import { TextArea } from "@/shared/form/text-area";
import { useDiscard, useKept } from "@/shared/form/use-kept";
import { askedFor } from "@/shared/snippets/fill";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import type { Snippet } from "@/shared/wire/resources";

interface SnippetFormProps {
  /** Null for a new one. */
  snippet: Snippet | null;
  onDone(): void;
}

/** What is written of a snippet, or of a new one: it is kept in the tab until it is saved or discarded. */
export function useKeptSnippet(snippet: Snippet | null) {
  return useKept(`snippet.${snippet?.id ?? "new"}`, { name: snippet?.name ?? "", text: snippet?.text ?? "" });
}

const NAME = /^[\p{L}\p{N}_-]{1,50}$/u;

export function SnippetForm({ snippet, onDone }: SnippetFormProps) {
  const { t } = useTranslation();
  const kept = useKeptSnippet(snippet);
  const { value, isKept, write, drop } = kept;
  const { name, text } = value;
  const discard = useDiscard(kept);
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
    save({ id: snippet?.id ?? null, draft: { name, text } }, {
      onSuccess: () => {
        drop();
        onDone();
      },
    });
  };
  const cancel = () => {
    discard();
    onDone();
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
        onChange={(event) => write({ name: event.target.value.trim().toLowerCase(), text })}
      />
      <TextArea
        label={t("snippets.text")}
        hint={t("snippets.text_hint", { skipInterpolation: true })}
        rows={5}
        maxLength={20_000}
        value={text}
        error={wasTried && text.trim() === "" ? t("snippets.needs_text") : null}
        onChange={(event) => write({ name, text: event.target.value })}
      />
      <p role="status" className="text-sm text-quiet empty:hidden">
        {asked.length > 0 && t("snippets.asks_for", { names: asked.join(", ") })}
      </p>
      <Problem text={error?.message} />
      {isKept && <p className="text-sm text-quiet">{t("form.not_saved")}</p>}
      <div className="flex gap-2">
        <Button kind="primary" type="submit" disabled={isPending}>
          {t("snippets.save")}
        </Button>
        <Button kind="quiet" onClick={cancel}>
          {isKept ? t("form.discard") : t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
