/** What stands in the place of a part that could not be loaded, in the shape of that part. */
import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { IconButton } from "@/shared/ui/icon-button";

const reload = () => location.reload();

/** A sentence and a button, as wide as their place allows. `onClose`: the way back, where the part had one. */
export function NotLoaded({ onClose }: { onClose?: () => void }) {
  const { t } = useTranslation();
  return (
    <div role="alert" className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 text-sm text-soft">
      <p>{t("ui.not_loaded")}</p>
      <span className="flex gap-1">
        <Button onClick={reload}>{t("ui.load_again")}</Button>
        {onClose && (
          <Button kind="quiet" onClick={onClose}>
            {t("ui.cancel")}
          </Button>
        )}
      </span>
    </div>
  );
}

/** In the middle of what would be the whole page. */
export function PageNotLoaded({ sidebarButton }: { sidebarButton?: ReactNode }) {
  return (
    <>
      <LatePageHeader sidebarButton={sidebarButton} />
      <div className="grid min-h-0 flex-1 place-items-center">
        <NotLoaded />
      </div>
    </>
  );
}

/** The top of a page that is not there yet, so that one gets away from it. */
export function LatePageHeader({ sidebarButton }: { sidebarButton: ReactNode }) {
  return <header className="flex h-13 shrink-0 items-center px-3">{sidebarButton}</header>;
}

export function DialogNotLoaded({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t("ui.not_loaded")} onClose={onClose} className="w-[min(26rem,calc(100vw-2rem))]">
      <div className="flex flex-col items-start gap-4 px-5 pt-4 pb-5 text-sm text-soft">
        <p>{t("ui.not_loaded_hint")}</p>
        <Button kind="primary" onClick={reload}>
          {t("ui.load_again")}
        </Button>
      </div>
    </Dialog>
  );
}

/** Where there is room for no more than an icon. */
export function ButtonNotLoaded() {
  const { t } = useTranslation();
  return <IconButton small icon={CircleAlert} label={`${t("ui.not_loaded")} ${t("ui.load_again")}`} onClick={reload} />;
}
