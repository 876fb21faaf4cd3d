import { X } from "lucide-react";
import { Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { useTurnOutline } from "@/shared/connection/live-turns";
import { late } from "@/shared/late/late";
import { Dialog } from "@/shared/ui/dialog";
import { IconButton } from "@/shared/ui/icon-button";
import { TIGHT, useMedia } from "@/shared/ui/use-media";

const IdeasPanel = late(() => import("@/features/ideas/ideas-panel"), "IdeasPanel");

interface IdeasDrawerProps {
  conversation: string | null;
  turn: string | null;
  onClose(): void;
}

/** The ideas of the conversation, filling while the answer streams. */
export function IdeasDrawer({ conversation, turn, onClose }: IdeasDrawerProps) {
  const { t } = useTranslation();
  const isTight = useMedia(TIGHT);
  const panel = (
    <Suspense>
      <IdeasPanel conversation={conversation} live={useLiveIdeas(turn)} />
    </Suspense>
  );
  if (isTight) {
    return (
      <Dialog title={t("conversation.ideas")} side="right" onClose={onClose} className="w-[min(22rem,92vw)]">
        {panel}
      </Dialog>
    );
  }
  return (
    <aside aria-label={t("conversation.ideas")} className="flex w-80 shrink-0 flex-col border-l border-line bg-sunken">
      <header className="flex h-13 shrink-0 items-center justify-between border-b border-line pr-2 pl-5">
        <h2 className="text-sm font-semibold">{t("conversation.ideas")}</h2>
        <IconButton icon={X} label={t("ui.close")} onClick={onClose} />
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">{panel}</div>
    </aside>
  );
}

/** The texts of the ideas that are being written; the same array while none of them changed. */
function useLiveIdeas(turn: string | null): string[] {
  const picture = useTurnOutline(turn);
  const texts = picture?.parts.filter((part) => part.kind === "idea").map((part) => part.text) ?? [];
  const joined = JSON.stringify(texts);
  return useMemo(() => JSON.parse(joined) as string[], [joined]);
}
