import { Folder, FolderMinus } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import "@/shared/data/organizing-words";
import { useChangeFolder, useFolders } from "@/shared/data/organizing";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";

interface MoveDialogProps {
  onMove(folder: string | null): void;
  onClose(): void;
}

/** Where to: a folder, none, or a new one. */
export function MoveDialog({ onMove, onClose }: MoveDialogProps) {
  const { t } = useTranslation();
  const folders = useFolders().data ?? [];
  const { mutate: change, isPending } = useChangeFolder();
  const [name, setName] = useState("");
  const move = (folder: string | null) => {
    onMove(folder);
    onClose();
  };
  const make = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") change({ verb: "make", name }, { onSuccess: (made) => made && move(made.id) });
  };
  return (
    <Dialog title={t("sidebar.move")} onClose={onClose} className="w-[min(24rem,calc(100vw-2rem))]">
      <div className="flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pt-3 pb-5">
        <ul className="-mx-2 flex flex-col">
          {folders.map((folder) => (
            <Choice key={folder.id} icon={Folder} label={folder.name} onChoose={() => move(folder.id)} />
          ))}
          <Choice icon={FolderMinus} label={t("organizing.no_folder")} onChoose={() => move(null)} />
        </ul>
        <form onSubmit={make} className="flex items-end gap-2 border-t border-line pt-4">
          <Field
            label={t("organizing.new_folder")}
            value={name}
            maxLength={100}
            className="flex-1"
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit" disabled={isPending || name.trim() === ""}>
            {t("organizing.make_folder")}
          </Button>
        </form>
      </div>
    </Dialog>
  );
}

function Choice({ icon: Icon, label, onChoose }: { icon: LucideIcon; label: string; onChoose(): void }) {
  return (
    <li>
      <button
        type="button"
        onClick={onChoose}
        className="flex min-h-9 w-full items-center gap-2.5 rounded-sm px-2.5 text-left text-sm hover:bg-hover"
      >
        <Icon size={16} strokeWidth={1.75} aria-hidden className="shrink-0 text-quiet" />
        <span className="truncate">{label}</span>
      </button>
    </li>
  );
}
