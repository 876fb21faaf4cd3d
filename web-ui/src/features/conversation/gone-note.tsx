import { useTranslation } from "react-i18next";

import { useRestoreConversation } from "@/shared/data/conversations";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";

/** Says above the message field that the conversation is not there any more, and brings it back. */
export function GoneNote({ conversation }: { conversation: string }) {
  const { t } = useTranslation();
  const { mutate: restore, isPending } = useRestoreConversation();
  const bringBack = () => restore(conversation, { onError: (error) => showToast(error.message) });
  return (
    <div role="status" className="mb-2 flex flex-wrap items-center justify-between gap-2 rounded-md border border-line-strong px-4 py-2 text-sm">
      <p>
        <span className="font-medium">{t("conversation.not_found")}</span> {t("conversation.not_found_hint")}
      </p>
      <Button kind="quiet" disabled={isPending} onClick={bringBack}>
        {t("conversation.restore")}
      </Button>
    </div>
  );
}
