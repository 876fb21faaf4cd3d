import { Archive, ArchiveRestore, FolderInput, ListChecks, Pin, Trash2, X } from "lucide-react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import "@/shared/data/organizing-words";
import { IconButton } from "@/shared/ui/icon-button";

interface BulkBarProps {
  count: number;
  isArchive: boolean;
  onAll(): void;
  onPin(): void;
  onArchive(): void;
  onMove(): void;
  onDelete(): void;
  onEnd(): void;
  onKeyDown(event: KeyboardEvent): void;
}

/** What can be done with everything that is selected. */
export function BulkBar(props: BulkBarProps) {
  const { count, isArchive, onAll, onPin, onArchive, onMove, onDelete, onEnd, onKeyDown } = props;
  const { t } = useTranslation();
  const isNothing = count === 0;
  return (
    <div role="toolbar" aria-label={t("organizing.bulk")} tabIndex={-1} onKeyDown={onKeyDown} className="border-t border-line px-2 py-1.5">
      <div className="flex items-center">
        <p role="status" className="min-w-0 flex-1 truncate px-2.5 text-sm font-medium tabular-nums">
          {t("organizing.selected", { count })}
        </p>
        <IconButton icon={ListChecks} small label={t("organizing.select_all")} onClick={onAll} />
        <IconButton icon={X} small label={t("organizing.cancel_selection")} onClick={onEnd} />
      </div>
      <div className="flex justify-between">
        {!isArchive && <IconButton icon={Pin} label={t("sidebar.pin")} disabled={isNothing} onClick={onPin} />}
        <IconButton
          icon={isArchive ? ArchiveRestore : Archive}
          label={isArchive ? t("sidebar.unarchive") : t("sidebar.archive_it")}
          disabled={isNothing}
          onClick={onArchive}
        />
        <IconButton icon={FolderInput} label={t("sidebar.move")} disabled={isNothing} onClick={onMove} />
        <IconButton icon={Trash2} label={t("sidebar.delete")} disabled={isNothing} onClick={onDelete} />
      </div>
    </div>
  );
}
