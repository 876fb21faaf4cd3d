import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import "@/shared/data/organizing-words";
import { eraseAll } from "@/features/deleted/erase-all";
import { reloadLists } from "@/shared/data/organizing";
import { organize } from "@/shared/data/organize";
import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { showToast } from "@/shared/ui/toasts";
import type { Conversation } from "@/shared/wire/resources";

interface EraseDialogProps {
  what: Conversation | "all";
  onClose(): void;
}

/** There is no way back from this, so it is asked for twice. */
export function EraseDialog({ what, onClose }: EraseDialogProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const isAll = what === "all";
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => (isAll ? await eraseAll() : (await organize(client, "erase", [what.id], null)).changed.length),
    onSuccess: (count) => {
      if (count > 0) showToast(t("organizing.done.erase", { count }));
      onClose();
    },
    onSettled: () => reloadLists(client),
  });
  const title = isAll ? t("deleted.erase_all_title") : t("deleted.erase_title", { title: what.title || t("sidebar.untitled") });
  return (
    <Dialog title={title} onClose={onClose} className="w-[min(28rem,calc(100vw-2rem))]">
      <div className="flex flex-col gap-4 px-5 pt-4 pb-5">
        <p className="text-sm leading-6 text-soft text-pretty">{t(isAll ? "deleted.erase_all_text" : "deleted.erase_text")}</p>
        <Problem text={error?.message} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            {t("ui.cancel")}
          </Button>
          <Button kind="danger" disabled={isPending} onClick={() => mutate()}>
            {isAll ? t("deleted.erase_all") : t("deleted.erase")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
