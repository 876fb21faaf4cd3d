import { useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, Ellipsis, PencilLine, Trash2 } from "lucide-react";
import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import "@/shared/data/organizing-words";
import { deleteFolder } from "@/features/sidebar/delete-folder";
import { useChangeFolder } from "@/shared/data/organizing";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { IconButton } from "@/shared/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";

interface AmongHeaderProps {
  /** Of the folder; null: this is the archive. */
  folder: string | null;
  name: string;
  onRenamed(name: string): void;
  onBack(): void;
}

/** Says that only a folder or the archive is shown, and leads back. */
export function AmongHeader({ folder, name, onRenamed, onBack }: AmongHeaderProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [isRenaming, setIsRenaming] = useState(false);
  const { mutate: change } = useChangeFolder();
  const remove = async (id: string) => {
    if (await deleteFolder(client, { id, name })) onBack();
  };
  return (
    <div className="flex min-h-9 items-center gap-1 px-2">
      <IconButton icon={ArrowLeft} small label={t("organizing.back")} onClick={onBack} />
      <h2 className="min-w-0 flex-1 truncate text-sm font-medium">{name}</h2>
      {folder !== null && (
        <Menu
          label={t("organizing.more_folder", { name })}
          trigger={(props) => <IconButton {...props} icon={Ellipsis} small label={t("organizing.more_folder", { name })} />}
        >
          <MenuItem icon={PencilLine} onSelect={() => setIsRenaming(true)}>
            {t("sidebar.rename")}
          </MenuItem>
          <MenuLine />
          <MenuItem icon={Trash2} danger onSelect={() => void remove(folder)}>
            {t("sidebar.delete")}
          </MenuItem>
        </Menu>
      )}
      {folder !== null && isRenaming && (
        <RenameDialog
          name={name}
          onClose={() => setIsRenaming(false)}
          onRename={(next) => change({ verb: "rename", id: folder, name: next }, { onSuccess: () => onRenamed(next) })}
        />
      )}
    </div>
  );
}

function RenameDialog({ name, onRename, onClose }: { name: string; onRename(name: string): void; onClose(): void }) {
  const { t } = useTranslation();
  const [next, setNext] = useState(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (next.trim() === "") return;
    onRename(next.trim());
    onClose();
  };
  return (
    <Dialog title={t("organizing.rename_folder")} onClose={onClose} className="w-[min(24rem,calc(100vw-2rem))]">
      <form onSubmit={submit} className="flex items-end gap-2 px-5 pt-4 pb-5">
        <Field
          label={t("organizing.folder_name")}
          value={next}
          maxLength={100}
          className="flex-1"
          onChange={(event) => setNext(event.target.value)}
        />
        <Button kind="primary" type="submit">
          {t("organizing.save")}
        </Button>
      </form>
    </Dialog>
  );
}
