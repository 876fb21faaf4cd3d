import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { findNeighbour, focusRow } from "@/features/conversation/row-focus";
import { deleteMessages, reloadPath, undoDeletion } from "@/shared/data/tree";
import type { Removal } from "@/shared/data/tree";
import { showToast, showWhenDone } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

/** Deletes at once, and offers to undo it; the focus goes to the message that stands there now. */
export function useRemoval({ id, conversation }: Message): (what: Removal) => void {
  const { t } = useTranslation();
  const client = useQueryClient();
  const onError = (error: Error) => showToast(error.message);
  const undo = (deletion: string) =>
    undoDeletion(deletion)
      .then(() => reloadPath(client, conversation))
      .then(() => focusRow(id), onError);
  const { mutate } = useMutation({
    mutationFn: (what: Removal) => {
      const deletion = deleteMessages(id, what);
      const told = deletion.then(({ id: made, count }) => ({
        text: t("tree.deleted", { count }),
        action: { label: t("tree.undo"), run: () => void undo(made) },
      }));
      void showWhenDone(told); // before the messages are read anew
      return deletion;
    },
    onSuccess: async (_deletion, what) => {
      const neighbour = what === "after" ? id : findNeighbour(id, what === "one");
      await reloadPath(client, conversation);
      focusRow(neighbour, neighbour === id ? null : id);
    },
  });
  return mutate;
}
