import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { reload } from "@/features/memory/memory-data";
import { keys } from "@/shared/data/keys";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { TextArea } from "@/shared/form/text-area";
import { useKept } from "@/shared/form/use-kept";
import { request } from "@/shared/http/request";
import { Listing } from "@/shared/table/listing";
import { fullTime } from "@/shared/time/format";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";
import type { MemoryNotes } from "@/shared/wire/memories";

const PATH = "/api/memories/notes";

/** What the assistant knows of one, as one page of text; what is changed in it becomes memories. */
export function Notes() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: keys.memoryNotes, queryFn: ({ signal }) => request<MemoryNotes>(PATH, { signal }) });
  return (
    <Section title={t("memory.notes")} lead={t("memory.notes_lead")}>
      <Listing query={query} isEmpty={false} empty="">
        {query.data && <NotesForm stored={query.data} />}
      </Listing>
    </Section>
  );
}

interface Draft {
  text: string;
  /** The version it began from: what was written since is not overwritten. */
  version: number;
}

function NotesForm({ stored }: { stored: MemoryNotes }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { value: draft, write, drop } = useKept<Draft | null>("notes", null);
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: (body: Draft) => request<MemoryNotes>(PATH, { method: "PUT", body }),
    onSuccess: async (saved) => {
      client.setQueryData(keys.memoryNotes, saved);
      drop();
      showToast(t("memory.notes_saved"));
      await reload(client);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft) mutate(draft);
  };
  const discard = () => {
    reset();
    drop();
    void client.invalidateQueries({ queryKey: keys.memoryNotes });
  };
  const text = draft?.text ?? stored.text;
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <TextArea
        label={t("memory.notes_field")}
        hint={t("memory.notes_hint")}
        rows={Math.min(24, Math.max(8, text.split("\n").length + 2))}
        value={text}
        placeholder={t("memory.notes_empty")}
        onChange={(event) => write({ text: event.target.value, version: draft?.version ?? stored.version })}
        dir="auto"
      />
      {stored.is_stale && <p className="text-sm text-quiet">{t("memory.notes_stale")}</p>}
      <Problem text={error?.message} />
      <div className="flex flex-wrap items-center gap-2">
        <Button kind="primary" type="submit" disabled={!draft || draft.text === stored.text || isPending}>
          {t("memory.save")}
        </Button>
        {draft && (
          <Button kind="quiet" onClick={discard}>
            {t("ui.cancel")}
          </Button>
        )}
        {stored.updated_at > 0 && (
          <p className="ml-auto text-xs text-quiet">{t("memory.notes_at", { time: fullTime(stored.updated_at, i18n.language) })}</p>
        )}
      </div>
    </form>
  );
}
