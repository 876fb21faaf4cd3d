import "@/features/snippets/words";

import { PencilLine, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { SnippetForm, useKeptSnippet } from "@/features/snippets/snippet-form";
import { useDeleteSnippet, useSaveSnippet, useSnippets } from "@/shared/data/snippets";
import { Section } from "@/shared/form/section";
import { Button } from "@/shared/ui/button";
import { IconButton } from "@/shared/ui/icon-button";
import { showToast, showWhenDone } from "@/shared/ui/toasts";
import type { Snippet } from "@/shared/wire/resources";

export function SnippetSettings() {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<Snippet | "new" | null>(null);
  const snippets = useSnippets().data;
  const { isKept } = useKeptSnippet(null);
  const remove = useRemoval();
  const close = () => setOpened(null);
  return (
    <Section title={t("snippets.title")} lead={t("snippets.lead")}>
      {opened === "new" || isKept ? (
        <SnippetForm snippet={null} onDone={close} />
      ) : (
        <Button kind="primary" onClick={() => setOpened("new")}>
          <Plus size={16} aria-hidden />
          {t("snippets.new")}
        </Button>
      )}
      <ul className="mt-6 border-t border-line empty:hidden">
        {snippets?.map((snippet) => (
          <li key={snippet.id} className="border-b border-line py-3">
            <SnippetRow
              snippet={snippet}
              isOpened={opened !== "new" && opened?.id === snippet.id}
              onEdit={() => setOpened(snippet)}
              onDone={close}
              onDelete={() => remove(snippet)}
            />
          </li>
        ))}
      </ul>
      {snippets?.length === 0 && <p className="pt-5 text-sm text-quiet">{t("snippets.none")}</p>}
    </Section>
  );
}

interface SnippetRowProps {
  snippet: Snippet;
  isOpened: boolean;
  onEdit(): void;
  onDone(): void;
  onDelete(): void;
}

function SnippetRow({ snippet, isOpened, onEdit, onDone, onDelete }: SnippetRowProps) {
  const { t } = useTranslation();
  const { isKept } = useKeptSnippet(snippet);
  const { name, text } = snippet;
  if (isOpened || isKept) return <SnippetForm snippet={snippet} onDone={onDone} />;
  return (
    <div className="flex items-start gap-2">
      <div className="min-w-0 flex-1">
        <h3 className="font-mono text-sm font-medium wrap-anywhere">/{name}</h3>
        <p className="line-clamp-2 pt-0.5 text-sm leading-5 whitespace-pre-wrap text-quiet wrap-anywhere">{text}</p>
      </div>
      <IconButton icon={PencilLine} label={t("snippets.edit", { name })} onClick={onEdit} />
      <IconButton icon={Trash2} label={t("snippets.delete", { name })} onClick={onDelete} />
    </div>
  );
}

/** Deletes at once; to undo it, it is kept again. */
function useRemoval() {
  const { t } = useTranslation();
  const { mutateAsync: remove } = useDeleteSnippet();
  const { mutate: save } = useSaveSnippet();
  return ({ id, name, text }: Snippet) => {
    const undo = () => save({ id: null, draft: { name, text } }, { onError: (error) => showToast(error.message) });
    const done = { text: t("snippets.deleted", { name }), action: { label: t("snippets.undo"), run: undo } };
    return showWhenDone(remove(id).then(() => done));
  };
}
