import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { path, useAdminChange } from "@/features/admin/admin-data";
import { Handover } from "@/features/admin/handover";
import { CheckField } from "@/shared/form/check-field";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { useMe } from "@/shared/data/me";
import { request } from "@/shared/http/request";
import { Listing } from "@/shared/table/listing";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";

export interface AdminSettings {
  server_name: string;
  guests: boolean;
}

/** How the server calls itself and whom it lets in. */
export function ServerSettings() {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ["admin", "settings"],
    queryFn: ({ signal }) => request<AdminSettings>(path("settings"), { signal }),
  });
  const isOwner = useMe(({ role }) => role === "owner");
  return (
    <div className="flex flex-col gap-12">
      <Section title={t("admin.server.title")} lead={t("admin.server.lead")}>
        <Listing query={query} isEmpty={false} empty="">
          {query.data && <SettingsForm settings={query.data} />}
        </Listing>
      </Section>
      {isOwner && (
        <Section title={t("admin.owner.title")} lead={t("admin.owner.lead")}>
          <Handover />
        </Section>
      )}
    </div>
  );
}

function SettingsForm({ settings }: { settings: AdminSettings }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [draft, setDraft] = useState(settings);
  const { mutate, isPending, error } = useAdminChange<AdminSettings>("settings");
  const change = (part: Partial<AdminSettings>) => setDraft((known) => ({ ...known, ...part }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const names = ["server_name", "guests"] as const;
    const body = Object.fromEntries(names.filter((name) => draft[name] !== settings[name]).map((name) => [name, draft[name]]));
    mutate(
      { method: "PATCH", body },
      {
        onSuccess: (saved) => {
          client.setQueryData(["admin", "settings"], saved);
          showToast(t("admin.saved"));
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="flex max-w-[34rem] flex-col gap-4">
      <Field
        label={t("admin.server.name")}
        maxLength={80}
        value={draft.server_name}
        placeholder="Quarterdeck"
        hint={t("admin.server.name_hint")}
        onChange={(event) => change({ server_name: event.target.value })}
      />
      <CheckField
        label={t("admin.server.guests")}
        hint={t("admin.server.guests_hint")}
        checked={draft.guests}
        onChange={(guests) => change({ guests })}
      />
      <Problem text={error?.message} />
      <div>
        <Button kind="primary" type="submit" disabled={isPending}>
          {t("ui.save")}
        </Button>
      </div>
    </form>
  );
}
