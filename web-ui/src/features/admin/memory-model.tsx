import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { path } from "@/features/admin/admin-data";
import { MemoryModelForm } from "@/features/admin/memory-model-form";
import type { MemoryModel } from "@/features/admin/memory-model-data";
import { count } from "@/shared/amounts/amounts";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { request } from "@/shared/http/request";
import { Listing } from "@/shared/table/listing";
import { Table } from "@/shared/table/table";
import { ProgressBar } from "@/shared/ui/progress-bar";

const LOOK_MS = 2000;

/** Which model finds by meaning, how far it is with everything that was said, and what learns. */
export function MemoryModelPart() {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ["admin", "memory"],
    queryFn: ({ signal }) => request<MemoryModel>(path("memory"), { signal }),
    refetchInterval: ({ state }) => (state.data?.state === "building" || state.data?.state === "failing" ? LOOK_MS : false),
  });
  return (
    <Listing query={query} isEmpty={false} empty="">
      {query.data && (
        <div className="flex flex-col gap-12">
          <Section title={t("admin.memory.title")} lead={t("admin.memory.lead")}>
            <div className="flex max-w-[38rem] flex-col gap-6">
              <Progress told={query.data} />
              <MemoryModelForm key={`${query.data.origin} ${query.data.model}`} told={query.data} />
            </div>
          </Section>
          {query.data.vectors.length > 0 && <VectorCounts told={query.data} />}
          <Section title={t("admin.memory.learning_title")} lead={t("admin.memory.learning_lead")}>
            <Learning told={query.data} />
          </Section>
        </div>
      )}
    </Listing>
  );
}

function Progress({ told }: { told: MemoryModel }) {
  const { t, i18n } = useTranslation();
  const { state, model, done, total, error } = told;
  const figures = { model, done: count(done, i18n.language), total: count(total, i18n.language) };
  return (
    <div className="flex flex-col gap-2">
      <p role="status" className="text-sm leading-6 break-words">
        {t(`admin.memory.states.${state}`, figures)}
      </p>
      {(state === "building" || state === "failing") && (
        <ProgressBar label={t("admin.memory.progress")} done={done} total={total} />
      )}
      <Problem text={error} />
    </div>
  );
}

function VectorCounts({ told }: { told: MemoryModel }) {
  const { t, i18n } = useTranslation();
  return (
    <Section title={t("admin.memory.vectors_title")} lead={t("admin.memory.vectors_lead")}>
      <Table
        caption={t("admin.memory.vectors_title")}
        rows={told.vectors}
        keyOf={({ model }) => model}
        columns={[
          { id: "model", label: t("admin.memory.model"), isName: true, cell: ({ model }) => model },
          { id: "count", label: t("admin.memory.count"), isFigure: true, cell: (row) => count(row.count, i18n.language) },
        ]}
      />
    </Section>
  );
}

function Learning({ told }: { told: MemoryModel }) {
  const { t, i18n } = useTranslation();
  if (!told.learning) return <p className="text-sm">{t("admin.memory.learning_off")}</p>;
  return (
    <dl className="grid max-w-[38rem] grid-cols-[auto_1fr] gap-x-6 gap-y-2 text-sm">
      <dt className="text-quiet">{t("admin.memory.model")}</dt>
      <dd className="min-w-0 break-words">{told.learning_model || t("admin.memory.own_model")}</dd>
      <dt className="text-quiet">{t("admin.memory.requests")}</dt>
      <dd>{count(told.learning_requests_a_day, i18n.language)}</dd>
    </dl>
  );
}
