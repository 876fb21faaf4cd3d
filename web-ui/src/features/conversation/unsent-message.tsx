import { useTranslation } from "react-i18next";

import { OVER_BUDGET, UsageLink } from "@/features/conversation/usage-link";
import { UserMessage } from "@/features/conversation/user-message";
import { useLink } from "@/shared/connection/link-state";
import type { SendEntry } from "@/shared/connection/outbox";
import { removeEntry, renewEntry } from "@/shared/connection/outbox";
import { useSession } from "@/shared/connection/session-context";
import { copyText } from "@/shared/ui/copy-text";
import { Spinner } from "@/shared/ui/spinner";
import { showToast } from "@/shared/ui/toasts";

/** A message that the server has not acknowledged: on its way, waiting for the connection or the server, or refused. */
export function UnsentMessage({ entry }: { entry: SendEntry }) {
  const state = entry.problem ? <Refused entry={entry} /> : <OnItsWay isDelayed={entry.isDelayed === true} />;
  return <UserMessage text={entry.text} at={entry.at} state={state} />;
}

function OnItsWay({ isDelayed }: { isDelayed: boolean }) {
  const { t } = useTranslation();
  const isOpen = useLink((link) => link.state === "open");
  return (
    <p className="flex items-center gap-2 pt-2 text-sm text-quiet">
      {isOpen ? <Spinner /> : <span className="size-2 rounded-full border border-current" aria-hidden />}
      {isOpen ? t(isDelayed ? "conversation.waiting_for_server" : "conversation.sending") : t("conversation.waiting_for_connection")}
    </p>
  );
}

function Refused({ entry }: { entry: SendEntry }) {
  const { t } = useTranslation();
  const session = useSession();
  const tryAgain = () => {
    const renewed = renewEntry(entry);
    session.post(renewed);
  };
  const discard = async () => {
    const isCopied = await copyText(entry.text);
    removeEntry(entry.id);
    showToast(isCopied ? t("conversation.discarded_copied") : t("conversation.discarded"));
  };
  return (
    <div role="alert" className="mt-3 rounded-md border border-danger-line bg-danger-soft px-4 py-3 text-sm">
      <p className="font-medium text-danger">{t("conversation.not_sent")}</p>
      <p className="pt-0.5 text-ink">{entry.problem?.message}</p>
      <div className="-mx-2 flex gap-1 pt-1.5">
        <button type="button" className="min-h-8 rounded-sm px-2 font-medium text-accent hover:bg-hover" onClick={tryAgain}>
          {t("ui.try_again")}
        </button>
        {entry.problem?.code === OVER_BUDGET && <UsageLink />}
        <button
          type="button"
          className="min-h-8 rounded-sm px-2 text-soft hover:bg-hover"
          onClick={() => void discard()}
        >
          {t("conversation.discard")}
        </button>
      </div>
    </div>
  );
}
