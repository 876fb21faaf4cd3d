import { Columns2, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useBeside, wantBeside } from "@/features/conversation/beside";
import { shortName } from "@/shared/data/models";
import { IconButton } from "@/shared/ui/icon-button";

/** Says above the message field that another model answers, too, and takes it back. */
export function BesideNote() {
  const { t } = useTranslation();
  const model = useBeside((state) => state.model);
  if (model === "") return null;
  return (
    <p className="flex items-center gap-2 px-1 pb-2 text-sm text-quiet">
      <Columns2 size={15} strokeWidth={1.75} aria-hidden className="shrink-0" />
      <span className="min-w-0 truncate">{t("composer.beside_note", { model: shortName(model) })}</span>
      <IconButton small icon={X} label={t("composer.beside_drop")} onClick={() => wantBeside("")} />
    </p>
  );
}
