import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, Upload } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";

import { reload } from "@/features/memory/memory-data";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { request } from "@/shared/http/request";
import { Button } from "@/shared/ui/button";
import type { MemoryImport } from "@/shared/wire/memories";

/** Taking memories along and bringing them back, as JSON Lines. */
export function Portable() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const { mutate, data, isPending, error } = useMutation({
    mutationFn: (file: File) => request<MemoryImport>("/api/memories/import", { method: "POST", file }),
    onSuccess: () => reload(client),
  });
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file) mutate(file);
  };
  return (
    <Section title={t("memory.portable_title")} lead={t("memory.portable_lead")}>
      <div className="flex flex-wrap gap-2">
        <a
          href="/api/memories/export"
          download
          className="inline-flex min-h-9 items-center gap-2 rounded-md border border-line-strong bg-raised px-3.5 text-sm font-medium hover:bg-hover"
        >
          <Download size={15} strokeWidth={1.75} aria-hidden />
          {t("memory.export")}
        </a>
        <Button disabled={isPending} onClick={() => input.current?.click()}>
          <Upload size={15} strokeWidth={1.75} aria-hidden />
          {t("memory.import")}
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={t("memory.import")}
          accept=".jsonl,.ndjson,.json,.txt"
          onChange={(event) => {
            take(event.target.files);
            event.target.value = "";
          }}
        />
      </div>
      <Problem text={error?.message} className="pt-3" />
      {data && <Report report={data} />}
    </Section>
  );
}

/** How many came in, and each line that did not, with its reason. */
function Report({ report: { imported, known, skipped } }: { report: MemoryImport }) {
  const { t } = useTranslation();
  return (
    <div role="status" className="pt-3 text-sm">
      <p>
        {t("memory.imported", { count: imported })} {known > 0 && t("memory.known", { count: known })}
      </p>
      {skipped.length > 0 && (
        <>
          <p className="pt-2 font-medium">{t("memory.skipped", { count: skipped.length })}</p>
          <ul className="max-h-60 overflow-y-auto pt-1 text-quiet">
            {skipped.map(({ line, reason }) => (
              <li key={line}>{t("memory.skipped_line", { line, reason })}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
