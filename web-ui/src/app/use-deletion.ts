import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { useDeleteConversation, useRestoreConversation } from "@/shared/data/conversations";
import { showWhenDone } from "@/shared/ui/toasts";
import type { Conversation } from "@/shared/wire/resources";

/** Deletes at once and offers to undo it; undone, the conversation is opened again if it was. */
export function useDeletion(): (conversation: Pick<Conversation, "id" | "title">) => void {
  const { t } = useTranslation();
  const [location, navigate] = useLocation();
  const { mutateAsync: remove } = useDeleteConversation();
  const { mutate: restore } = useRestoreConversation();
  return useCallback(
    ({ id, title }) => {
      const wasOpen = location === `/c/${id}`;
      const undo = () => restore(id, { onSuccess: () => wasOpen && navigate(`/c/${id}`) });
      if (wasOpen) navigate("/");
      const done = {
        text: t("conversation.deleted", { title: title || t("sidebar.untitled") }),
        action: { label: t("conversation.undo"), run: undo },
      };
      void showWhenDone(remove(id).then(() => done));
    },
    [location, navigate, remove, restore, t],
  );
}
