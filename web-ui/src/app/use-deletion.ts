import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { useDeleteConversation, useRestoreConversation } from "@/shared/data/conversations";
import { showToast } from "@/shared/ui/toasts";
import type { Conversation } from "@/shared/wire/resources";

/** Deletes at once and offers to undo it; undone, the conversation is opened again if it was. */
export function useDeletion(): (conversation: Pick<Conversation, "id" | "title">) => void {
  const { t } = useTranslation();
  const [location, navigate] = useLocation();
  const { mutate: remove } = useDeleteConversation();
  const { mutate: restore } = useRestoreConversation();
  return useCallback(
    ({ id, title }) => {
      const wasOpen = location === `/c/${id}`;
      const undo = () => restore(id, { onSuccess: () => wasOpen && navigate(`/c/${id}`) });
      if (wasOpen) navigate("/");
      remove(id, {
        onSuccess: () =>
          showToast(t("conversation.deleted", { title: title || t("sidebar.untitled") }), {
            label: t("conversation.undo"),
            run: undo,
          }),
        onError: (error) => showToast(error.message),
      });
    },
    [location, navigate, remove, restore, t],
  );
}
