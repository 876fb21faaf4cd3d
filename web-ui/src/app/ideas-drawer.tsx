import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Drawer } from "@/app/drawer";
import { useTurnOutline } from "@/shared/connection/live-turns";
import { late } from "@/shared/late/late";

const IdeasPanel = late(() => import("@/features/ideas/ideas-panel"), "IdeasPanel");

interface IdeasDrawerProps {
  conversation: string | null;
  turn: string | null;
  onClose(): void;
}

/** The ideas of the conversation, filling while the answer streams. */
export function IdeasDrawer({ conversation, turn, onClose }: IdeasDrawerProps) {
  const { t } = useTranslation();
  const live = useLiveIdeas(turn);
  return (
    <Drawer title={t("conversation.ideas")} beside="w-80" over="w-[min(22rem,92vw)]" onClose={onClose}>
      <IdeasPanel conversation={conversation} live={live} />
    </Drawer>
  );
}

/** The texts of the ideas that are being written; the same array while none of them changed. */
function useLiveIdeas(turn: string | null): string[] {
  const picture = useTurnOutline(turn);
  const texts = picture?.parts.filter((part) => part.kind === "idea").map((part) => part.text) ?? [];
  const joined = JSON.stringify(texts);
  return useMemo(() => JSON.parse(joined) as string[], [joined]);
}
