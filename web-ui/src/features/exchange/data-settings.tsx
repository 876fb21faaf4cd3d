import { Download } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useImports } from "@/features/exchange/exchange-data";
import { ImportDrop } from "@/features/exchange/import-drop";
import { ImportRow } from "@/features/exchange/import-row";
import { Section } from "@/shared/form/section";
import { Listing } from "@/shared/table/listing";

const EXPORTS = [
  { name: "jsonl", href: "/api/export?format=jsonl" },
  { name: "markdown", href: "/api/export?format=markdown" },
  { name: "html", href: "/api/export?format=html" },
  { name: "account", href: "/api/me/export" },
];

/** What comes in and what goes out: files of other programs, and one's own. */
export function DataSettings() {
  const { t } = useTranslation();
  const query = useImports();
  return (
    <div className="flex flex-col gap-12">
      <Section title={t("exchange.import_title")} lead={t("exchange.import_lead")}>
        <ImportDrop />
        <h3 className="pt-8 pb-2 text-sm font-semibold">{t("exchange.past")}</h3>
        <Listing query={query} isEmpty={query.data?.length === 0} empty={t("exchange.none")}>
          <ul className="border-t border-line">
            {query.data?.map((found) => (
              <ImportRow key={found.id} found={found} />
            ))}
          </ul>
        </Listing>
      </Section>
      <Section title={t("exchange.export_title")} lead={t("exchange.export_lead")}>
        <div className="flex flex-wrap gap-2">
          {EXPORTS.map(({ name, href }) => (
            <a
              key={name}
              href={href}
              download
              className="inline-flex min-h-9 items-center gap-2 rounded-md border border-line-strong bg-raised px-3.5 text-sm font-medium hover:bg-hover"
            >
              <Download size={15} strokeWidth={1.75} aria-hidden />
              {t(`exchange.export_${name}`)}
            </a>
          ))}
        </div>
      </Section>
    </div>
  );
}
