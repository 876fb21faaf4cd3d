import { useTranslation } from "react-i18next";

import { useReport } from "@/features/exchange/exchange-data";
import { Listing } from "@/shared/table/listing";
import { More } from "@/shared/table/more";
import { Table } from "@/shared/table/table";
import type { Import } from "@/shared/wire/resources";

/** Each thing that was not taken over, or not as it was, and why. */
export function ImportReport({ found }: { found: Import }) {
  const { t } = useTranslation();
  const query = useReport(found.id);
  const rows = (query.data?.pages ?? []).flatMap((page) => page.items).map((note, at) => ({ ...note, at }));
  return (
    <div className="pt-3 wrap-anywhere">
      <Listing query={query} isEmpty={false} empty="">
        <Table
          caption={t("exchange.report_of", { name: found.name })}
          rows={rows}
          keyOf={({ at }) => String(at)}
          columns={[
            { id: "item", label: t("exchange.item"), cell: ({ item }) => item, isName: true },
            { id: "reason", label: t("exchange.reason"), cell: ({ reason }) => reason },
          ]}
        />
        <More query={query} />
      </Listing>
    </div>
  );
}
