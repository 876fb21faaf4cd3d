import { useTranslation } from "react-i18next";

import { useRestoreConversation } from "@/shared/data/conversations";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";

interface GoneNoteProps {
  conversation: string;
  /** It can be brought back; otherwise there is none at this address. */
  wasDeleted: boolean;
}

/** Says above the message field that the conversation is not there, and brings it back where that can be. */
export function GoneNote({ conversation, wasDeleted }: GoneNoteProps) {
  const { t } = useTranslation();
  const { mutate: restore, isPending } = useRestoreConversation();
  const bringBack = () => restore(conversation, { onError: (error) => showToast(error.message) });
  return (
    <div role="status" className="mb-2 flex flex-wrap items-center justify-between gap-2 rounded-md border border-line-strong px-4 py-2 text-sm">
      <p>
        <span className="font-medium">{t(wasDeleted ? "conversation.not_found" : "conversation.none_here")}</span>{" "}
        {t(wasDeleted ? "conversation.not_found_hint" : "conversation.none_here_hint")}
      </p>
      {wasDeleted && (
        <Button kind="quiet" disabled={isPending} onClick={bringBack}>
          {t("conversation.restore")}
        </Button>
      )}
    </div>
  );
}
