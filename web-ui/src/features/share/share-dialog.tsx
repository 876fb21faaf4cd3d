import { useTranslation } from "react-i18next";

import "@/features/share/words";
import { useMakeShare, useRevokeShare, useShares } from "@/features/share/share-data";
import type { Share } from "@/features/share/share-data";
import { CopyLine } from "@/shared/form/copy-line";
import { Problem } from "@/shared/form/problem";
import { fullTime } from "@/shared/time/format";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { showToast } from "@/shared/ui/toasts";

interface ShareDialogProps {
  conversation: string;
  onClose(): void;
}

/** Makes links to a conversation, and takes them back. */
export function ShareDialog({ conversation, onClose }: ShareDialogProps) {
  const { t } = useTranslation();
  const shares = useShares(conversation);
  const make = useMakeShare(conversation);
  return (
    <Dialog title={t("share.title")} onClose={onClose} className="w-[min(36rem,calc(100vw-2rem))]">
      <div className="flex flex-col gap-4 overflow-y-auto px-5 pt-4 pb-5">
        <p className="text-sm leading-6 text-soft text-pretty">{t("share.lead")}</p>
        {make.data ? (
          <>
            <CopyLine label={t("share.link")} value={make.data.url} hint={t("share.once")} />
            {make.data.unfinished > 0 && (
              <p role="status" className="text-sm leading-6 text-soft text-pretty">
                {t("share.unfinished")}
              </p>
            )}
          </>
        ) : (
          <Button kind="primary" className="self-start" disabled={make.isPending} onClick={() => make.mutate()}>
            {t("share.make")}
          </Button>
        )}
        <Problem text={make.error?.message ?? shares.error?.message} />
        <section aria-label={t("share.before")} className="border-t border-line pt-4">
          <h3 className="text-sm font-medium">{t("share.before")}</h3>
          {shares.data?.length === 0 && <p className="mt-2 text-sm text-quiet">{t("share.none")}</p>}
          <ul className="mt-1 flex flex-col divide-y divide-line">
            {shares.data?.map((share) => (
              <ShareRow key={share.id} share={share} conversation={conversation} />
            ))}
          </ul>
        </section>
      </div>
    </Dialog>
  );
}

function ShareRow({ share, conversation }: { share: Share; conversation: string }) {
  const { t, i18n } = useTranslation();
  const revoke = useRevokeShare(conversation);
  const when = fullTime(share.created_at, i18n.language);
  const take = () =>
    revoke.mutate(share.id, {
      onSuccess: () => showToast(t("share.done")),
      onError: (error) => showToast(error.message),
    });
  return (
    <li className="flex min-h-11 items-center justify-between gap-3 text-sm">
      <span className={share.revoked_at === null ? "text-ink" : "text-quiet"}>
        {t("share.made", { when, count: share.message_count })}
      </span>
      {share.revoked_at === null ? (
        <Button kind="quiet" aria-label={t("share.revoke_of", { when })} disabled={revoke.isPending} onClick={take}>
          {t("share.revoke")}
        </Button>
      ) : (
        <span className="px-3.5 text-quiet">{t("share.revoked")}</span>
      )}
    </li>
  );
}
