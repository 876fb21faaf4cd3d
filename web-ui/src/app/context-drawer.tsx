import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { Drawer } from "@/app/drawer";
import { showContext, useShownContext } from "@/shared/data/context";
import { late } from "@/shared/late/late";
import { TIGHT, useMedia } from "@/shared/ui/use-media";

const ContextPanel = late(() => import("@/features/context/context-panel"), "ContextPanel");

const close = () => showContext(null);

/** What the model saw, beside the conversation. */
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
  return (
    <Drawer
      key={turn}
      title={t("conversation.what_it_saw")}
      takesFocus
      beside="w-[26rem]"
      over="w-[min(28rem,94vw)]"
      onClose={close}
    >
      <ContextPanel turn={turn} />
    </Drawer>
  );
}
