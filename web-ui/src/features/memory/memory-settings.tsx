import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { reload } from "@/features/memory/memory-data";
import { Portable } from "@/features/memory/portable";
import { count } from "@/shared/amounts/amounts";
import { keys } from "@/shared/data/keys";
import { CheckField } from "@/shared/form/check-field";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { request } from "@/shared/http/request";
import { Listing } from "@/shared/table/listing";
import { Button } from "@/shared/ui/button";
import { ProgressBar } from "@/shared/ui/progress-bar";
import { showToast } from "@/shared/ui/toasts";
import type { MemorySettings } from "@/shared/wire/memories";

const PATH = "/api/memories/settings";
const LOOK_MS = 2000;

/** On or off, what finds by meaning, learning from older conversations, and taking memories along. */
export function MemorySettingsPart({ isAdmin }: { isAdmin: boolean }) {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: keys.memorySettings,
    queryFn: ({ signal }) => request<MemorySettings>(PATH, { signal }),
    refetchInterval: ({ state }) => (state.data?.embedding.state === "building" ? LOOK_MS : false),
  });
  return (
    <div className="flex flex-col gap-12">
      <Listing query={query} isEmpty={false} empty="">
        {query.data && (
          <>
            <Section title={t("memory.use_title")} lead={t("memory.use_lead")}>
              <OnOff settings={query.data} />
            </Section>
            <Section title={t("memory.meaning_title")} lead={t("memory.meaning_lead")}>
              <Embedding embedding={query.data.embedding} />
              {isAdmin && (
                <p className="pt-2 text-sm">
                  <Link href="/admin/memory" className="text-accent underline underline-offset-2">
                    {t("memory.choose_model")}
                  </Link>
                </p>
              )}
            </Section>
          </>
        )}
      </Listing>
      <Section title={t("memory.learn_title")} lead={t("memory.learn_lead")}>
        <Learn />
      </Section>
      <Portable />
    </div>
  );
}

function OnOff({ settings }: { settings: MemorySettings }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: (memory: "on" | "off") => request<MemorySettings>(PATH, { method: "PATCH", body: { memory } }),
    onSuccess: (saved) => client.setQueryData(keys.memorySettings, saved),
  });
  return (
    <>
      <CheckField
        label={t("memory.use")}
        hint={t("memory.use_hint")}
        checked={settings.memory === "on"}
        disabled={isPending}
        onChange={(isOn) => mutate(isOn ? "on" : "off")}
      />
      <Problem text={error?.message} />
    </>
  );
}

function Embedding({ embedding }: { embedding: MemorySettings["embedding"] }) {
  const { t, i18n } = useTranslation();
  const { model, state, done, total, error } = embedding;
  const figures = { model, done: count(done, i18n.language), total: count(total, i18n.language) };
  const said = { off: t("memory.meaning_off"), ready: t("memory.meaning_ready", figures), building: t("memory.meaning_building", figures) };
  return (
    <div className="flex flex-col gap-2 text-sm">
      <p role="status">{said[state]}</p>
      {state === "building" && (
        <ProgressBar label={t("memory.meaning_progress")} done={done} total={total} />
      )}
      <Problem text={error} />
    </div>
  );
}

function Learn() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [imported, setImported] = useState(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => request<{ messages: number }>("/api/memories/learn", { method: "POST", body: { imported } }),
    onSuccess: async ({ messages }) => {
      showToast(t("memory.learning", { count: messages }));
      await reload(client);
    },
  });
  return (
    <div className="flex flex-col items-start gap-2">
      <CheckField label={t("memory.learn_imported")} checked={imported} onChange={setImported} />
      <Button disabled={isPending} onClick={() => mutate()}>
        {t("memory.learn")}
      </Button>
      <Problem text={error?.message} />
    </div>
  );
}
