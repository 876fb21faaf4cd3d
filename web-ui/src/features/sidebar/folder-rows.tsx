import { Archive, Folder } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useFolders } from "@/shared/data/organizing";
import type { Folder as FolderOf } from "@/shared/wire/resources";

interface FolderRowsProps {
  onFolder(folder: FolderOf): void;
  onArchive(): void;
}

/** The ways into the folders and the archive, under the conversations. */
export function FolderRows({ onFolder, onArchive }: FolderRowsProps) {
  const { t } = useTranslation();
  const folders = useFolders().data ?? [];
  return (
    <section aria-label={t("sidebar.folders")} className="max-h-44 shrink-0 overflow-y-auto border-t border-line px-2 py-1.5">
      {folders.map((folder) => (
        <Way key={folder.id} icon={Folder} label={folder.name} count={folder.count} onOpen={() => onFolder(folder)} />
      ))}
      <Way icon={Archive} label={t("sidebar.archive")} onOpen={onArchive} />
    </section>
  );
}

function Way({ icon: Icon, label, count, onOpen }: { icon: LucideIcon; label: string; count?: number; onOpen(): void }) {
  return (
    <button
      type="button"
      onClick={onOpen}
      className="flex min-h-8 w-full items-center gap-2.5 rounded-sm px-2.5 text-left text-sm text-soft transition-colors hover:bg-hover"
    >
      <Icon size={15} strokeWidth={1.75} aria-hidden className="shrink-0 text-quiet" />
      <span className="min-w-0 flex-1 truncate">{label}</span>
      {count !== undefined && <span className="text-xs text-quiet tabular-nums">{count}</span>}
    </button>
  );
}
