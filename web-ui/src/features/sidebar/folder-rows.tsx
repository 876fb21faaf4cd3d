import { Archive, Folder, Trash2 } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useRoute } from "wouter";

import { useFolders } from "@/shared/data/organizing";
import { classNames } from "@/shared/ui/class-names";
import type { Folder as FolderOf } from "@/shared/wire/resources";

const WAY = "flex min-h-8 w-full items-center gap-2.5 rounded-sm px-2.5 text-left text-sm text-soft transition-colors hover:bg-hover";

interface FolderRowsProps {
  onFolder(folder: FolderOf): void;
  onArchive(): void;
  /** Called when a page was opened. */
  onOpen(): void;
}

/** The ways into the folders, the archive and what was deleted, under the conversations. */
export function FolderRows({ onFolder, onArchive, onOpen }: FolderRowsProps) {
  const { t } = useTranslation();
  const folders = useFolders().data ?? [];
  const [isDeletedOpen] = useRoute("/deleted");
  return (
    <section aria-label={t("sidebar.folders")} className="max-h-44 shrink-0 overflow-y-auto border-t border-line px-2 py-1.5">
      {folders.map((folder) => (
        <Way key={folder.id} icon={Folder} label={folder.name} count={folder.count} onOpen={() => onFolder(folder)} />
      ))}
      <Way icon={Archive} label={t("sidebar.archive")} onOpen={onArchive} />
      <Link href="/deleted" onClick={onOpen} aria-current={isDeletedOpen ? "page" : undefined} className={classNames(WAY, isDeletedOpen && "bg-hover")}>
        <WayParts icon={Trash2} label={t("sidebar.deleted")} />
      </Link>
    </section>
  );
}

interface WayProps {
  icon: LucideIcon;
  label: string;
  count?: number;
}

function Way({ onOpen, ...parts }: WayProps & { onOpen(): void }) {
  return (
    <button type="button" onClick={onOpen} className={WAY}>
      <WayParts {...parts} />
    </button>
  );
}

function WayParts({ icon: Icon, label, count }: WayProps) {
  return (
    <>
      <Icon size={15} strokeWidth={1.75} aria-hidden className="shrink-0 text-quiet" />
      <span className="min-w-0 flex-1 truncate">{label}</span>
      {count !== undefined && <span className="text-xs text-quiet tabular-nums">{count}</span>}
    </>
  );
}
