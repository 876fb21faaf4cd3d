import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";

import type { Edit } from "@/features/conversation/edits";
import { changeEdit, endEdit } from "@/features/conversation/edits";
import { newId } from "@/shared/connection/ids";
import { changeMessage } from "@/shared/data/message-cache";
import { editAndSend, editMessage, fetchMessage, reloadPath } from "@/shared/data/tree";
import { ProblemError } from "@/shared/http/request";
import { showToast } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

/** Saves an edit in place, over another one if that is wanted; or as a branch of its own, which is sent. */
export function useSaving(message: Message, edit: Edit) {
  const client = useQueryClient();
  const { id, conversation } = message;
  const attempt = useRef({ text: "", key: "" }); // the same words again are the same turn, if an answer was lost
  const saving = useMutation({
    mutationFn: (over: number | null) => editMessage(id, edit.text, over ?? edit.version),
    onSuccess: (saved) => {
      changeMessage(client, conversation, id, saved);
      endEdit(id);
    },
    onError: async (error) => {
      if (!(error instanceof ProblemError) || error.code !== "stale_version") return showToast(error.message);
      try {
        changeEdit(id, { other: await fetchMessage(id) });
      } catch (reason) {
        showToast(reason instanceof Error ? reason.message : error.message);
      }
    },
  });
  const sending = useMutation({
    mutationFn: () => {
      if (attempt.current.text !== edit.text) attempt.current = { text: edit.text, key: newId() };
      return editAndSend(id, edit.text, attempt.current.key);
    },
    onSuccess: () => endEdit(id),
    onError: (error) => showToast(error.message),
    onSettled: () => reloadPath(client, conversation),
  });
  return {
    save: saving.mutate,
    saveAndSend: () => sending.mutate(),
    isSaving: saving.isPending || sending.isPending,
  };
}
