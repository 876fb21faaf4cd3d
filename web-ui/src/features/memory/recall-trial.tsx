import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { Jump } from "@/features/memory/memory-line";
import { keys } from "@/shared/data/keys";
import { Section } from "@/shared/form/section";
import { request } from "@/shared/http/request";
import { Citation } from "@/shared/markdown/citation";
import { Why } from "@/shared/recall/why";
import { Listing } from "@/shared/table/listing";
import { fullTime } from "@/shared/time/format";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import type { RecallHit } from "@/shared/wire/memories";

const SHOWN = 10;

/** What would be recalled for a question, and why: the same search that a turn makes. */
export function RecallTrial() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(text.trim());
  };
  return (
    <Section title={t("memory.trial")} lead={t("memory.trial_lead")}>
      <form onSubmit={submit} role="search" className="flex items-end gap-2">
        <Field
          label={t("memory.trial_field")}
          placeholder={t("memory.trial_example")}
          value={text}
          maxLength={1000}
          className="min-w-0 flex-1"
          onChange={(event) => setText(event.target.value)}
        />
        <Button kind="primary" type="submit" disabled={text.trim() === ""}>
          {t("memory.trial_find")}
        </Button>
      </form>
      {asked !== "" && <Hits asked={asked} />}
    </Section>
  );
}

function Hits({ asked }: { asked: string }) {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: keys.recall({ asked }),
    queryFn: async ({ signal }) =>
      (await request<{ hits: RecallHit[] }>("/api/memories/search", { query: { q: asked, k: SHOWN }, signal })).hits,
    staleTime: 0,
  });
  return (
    <section aria-label={t("memory.trial_found")} className="pt-6">
      <Listing query={query} isEmpty={query.data?.length === 0} empty={t("memory.trial_nothing")}>
        <ol className="border-t border-line">
          {query.data?.map((hit) => (
            <Hit key={`${hit.kind}-${hit.id}`} hit={hit} />
          ))}
        </ol>
      </Listing>
    </section>
  );
}

function Hit({ hit }: { hit: RecallHit }) {
  const { t, i18n } = useTranslation();
  const message = hit.messages[0];
  const who = hit.kind === "message" ? hit.speaker || (hit.role === "user" ? t("memory.you") : t("memory.the_model")) : t(`memory.hit.${hit.kind}`);
  return (
    <li className="flex flex-col gap-1 border-b border-line py-3">
      <p dir="auto" className="line-clamp-4 font-reading text-[0.9375rem] leading-6 wrap-anywhere">
        {hit.text}
      </p>
      <p className="flex flex-wrap items-center gap-x-3 text-xs text-quiet">
        <span>{who}</span>
        <time dateTime={new Date(hit.at).toISOString()}>{fullTime(hit.at, i18n.language)}</time>
        {message && hit.conversation ? (
          <Jump conversation={hit.conversation} message={message}>
            {hit.title || t("sidebar.untitled")}
          </Jump>
        ) : (
          message && <Citation id={message} />
        )}
        {hit.tainted && <span className="font-medium text-warn">{t("memory.is_tainted")}</span>}
      </p>
      <Why signals={hit.signals} />
    </li>
  );
}
