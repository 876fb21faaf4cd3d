import { X } from "lucide-react";
import { Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";

import { showContext, useShownContext } from "@/shared/data/context";
import { late } from "@/shared/late/late";
import { Dialog } from "@/shared/ui/dialog";
import { IconButton } from "@/shared/ui/icon-button";
import { TIGHT, useMedia } from "@/shared/ui/use-media";

const ContextPanel = late(() => import("@/features/context/context-panel"), "ContextPanel");

const close = () => showContext(null);

/** What the model saw, beside the conversation; on a narrow screen over it. */
export function ContextDrawer() {
  const { t } = useTranslation();
  const turn = useShownContext((shown) => shown.turn);
  const isTight = useMedia(TIGHT);
  useEffect(() => {
    if (!isTight) return undefined;
    addEventListener("hashchange", close); // a jump leads to what the drawer lies over
    return () => removeEventListener("hashchange", close);
  }, [isTight]);
  if (turn === null) return null;
  const panel = (
    <Suspense>
      <ContextPanel key={turn} turn={turn} />
    </Suspense>
  );
  if (isTight) {
    return (
      <Dialog title={t("conversation.what_it_saw")} side="right" onClose={close} className="w-[min(28rem,94vw)]">
        <div className="min-h-0 flex-1 overflow-y-auto">{panel}</div>
      </Dialog>
    );
  }
  return (
    <aside
      aria-label={t("conversation.what_it_saw")}
      className="flex w-[26rem] shrink-0 flex-col border-l border-line bg-sunken"
    >
      <header className="flex h-13 shrink-0 items-center justify-between border-b border-line pr-2 pl-5">
        <h2 className="text-sm font-semibold">{t("conversation.what_it_saw")}</h2>
        <IconButton icon={X} label={t("ui.close")} onClick={close} />
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">{panel}</div>
    </aside>
  );
}
