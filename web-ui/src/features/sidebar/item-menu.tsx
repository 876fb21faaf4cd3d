import { Archive, ArchiveRestore, Ellipsis, FolderInput, ListChecks, PencilLine, Pin, PinOff, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";

import { IconButton } from "@/shared/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";
import type { BulkAction, Conversation } from "@/shared/wire/resources";

export interface ItemActions {
  onOrganize(action: BulkAction, id: string): void;
  onMove(id: string): void;
  onSelect(id: string): void;
  onDelete(conversation: Conversation): void;
}

interface ItemMenuProps {
  conversation: Conversation;
  title: string;
  actions: ItemActions;
  onRename(): void;
}

/** What can be done with one conversation of the list. */
export function ItemMenu({ conversation, title, actions, onRename }: ItemMenuProps) {
  const { t } = useTranslation();
  const { id, pinned_at: pinnedAt, archived_at: archivedAt } = conversation;
  return (
    <Menu
      label={t("sidebar.more", { title })}
      align="start"
      trigger={(props) => <IconButton {...props} icon={Ellipsis} small label={t("sidebar.more", { title })} />}
    >
      <MenuItem icon={PencilLine} onSelect={onRename}>
        {t("sidebar.rename")}
      </MenuItem>
      {!archivedAt && (
        <MenuItem icon={pinnedAt ? PinOff : Pin} onSelect={() => actions.onOrganize(pinnedAt ? "unpin" : "pin", id)}>
          {pinnedAt ? t("sidebar.unpin") : t("sidebar.pin")}
        </MenuItem>
      )}
      <MenuItem icon={FolderInput} onSelect={() => actions.onMove(id)}>
        {t("sidebar.move")}
      </MenuItem>
      <MenuItem
        icon={archivedAt ? ArchiveRestore : Archive}
        onSelect={() => actions.onOrganize(archivedAt ? "unarchive" : "archive", id)}
      >
        {archivedAt ? t("sidebar.unarchive") : t("sidebar.archive_it")}
      </MenuItem>
      <MenuItem icon={ListChecks} onSelect={() => actions.onSelect(id)}>
        {t("sidebar.select")}
      </MenuItem>
      <MenuLine />
      <MenuItem icon={Trash2} danger onSelect={() => actions.onDelete(conversation)}>
        {t("sidebar.delete")}
      </MenuItem>
    </Menu>
  );
}
