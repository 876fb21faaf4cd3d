import "@/features/conversation/tree-words";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { plainText } from "@/features/conversation/rows";
import { keys } from "@/shared/data/keys";
import { changeMessage } from "@/shared/data/message-cache";
import { fetchVersions, restoreVersion } from "@/shared/data/tree";
import { fullTime } from "@/shared/time/format";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { showToast } from "@/shared/ui/toasts";
import type { Message, MessageVersion } from "@/shared/wire/resources";

interface VersionsDialogProps {
  message: Message;
  onClose(): void;
}

/** What a message said, the newest first; an earlier one can be had back, and that is a new version too. */
export function VersionsDialog({ message, onClose }: VersionsDialogProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data, error, isPending } = useQuery({
    queryKey: keys.versions(message.id),
    queryFn: ({ signal }) => fetchVersions(message.id, signal),
    staleTime: 0,
  });
  const current = data?.items[0]?.version ?? 1;
  const restoring = useMutation({
    mutationFn: (version: number) => restoreVersion(message.id, version, current),
    onSuccess: (saved) => {
      changeMessage(client, message.conversation, message.id, saved);
      showToast(t("tree.restored"));
      onClose();
    },
    onError: (reason) => showToast(reason.message),
  });
  return (
    <Dialog title={t("tree.versions")} onClose={onClose} className="w-[min(44rem,calc(100vw-2rem))]">
      <ol className="flex flex-col divide-y divide-line px-5 pb-3">
        {isPending && <li className="py-4 text-sm text-quiet">{t("tree.loading")}</li>}
        {error && <li className="py-4 text-sm">{error.message}</li>}
        {data?.items.map((version, index) => (
          <VersionRow
            key={version.version}
            version={version}
            onRestore={index === 0 ? null : () => restoring.mutate(version.version)}
            isBusy={restoring.isPending}
          />
        ))}
      </ol>
    </Dialog>
  );
}

interface VersionRowProps {
  version: MessageVersion;
  /** Null for the current one. */
  onRestore: (() => void) | null;
  isBusy: boolean;
}

function VersionRow({ version, onRestore, isBusy }: VersionRowProps) {
  const { t, i18n } = useTranslation();
  return (
    <li className="py-3">
      <div className="flex min-h-9 flex-wrap items-center justify-between gap-2 text-xs text-quiet">
        <time dateTime={new Date(version.created_at).toISOString()}>{fullTime(version.created_at, i18n.language)}</time>
        {onRestore ? (
          <Button kind="quiet" disabled={isBusy} onClick={onRestore}>
            {t("tree.restore")}
          </Button>
        ) : (
          <span className="font-medium text-accent">{t("tree.current")}</span>
        )}
      </div>
      <p className="qd-said text-sm">{plainText(version.parts)}</p>
    </li>
  );
}
