import { CloudOff, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useLink } from "@/shared/connection/link-state";
import { useSession } from "@/shared/connection/session-context";
import type { Rung } from "@/shared/connection/wire";

const PATIENT_MS = 1500;

/** Short breaks pass without a word; a longer one is said, calmly, with what happens to the writing. */
export function OfflineBanner() {
  const { t } = useTranslation();
  const session = useSession();
  const lostAt = useLink((link) => link.lostAt);
  const [isShown, setIsShown] = useState(false);
  useEffect(() => {
    const isKnown = lostAt === null || !navigator.onLine; // no need to wait: the browser says so itself
    const timer = setTimeout(() => setIsShown(lostAt !== null), isKnown ? 0 : PATIENT_MS);
    return () => clearTimeout(timer);
  }, [lostAt]);
  return (
    <div role="status">
      {isShown && lostAt !== null && (
        <div className="flex items-center gap-3 border-b border-warn-line bg-warn-soft px-4 py-1.5 text-sm text-warn">
          <CloudOff size={16} strokeWidth={1.75} aria-hidden className="shrink-0" />
          <p className="flex-1">{t("shell.offline")}</p>
          <button type="button" onClick={() => session.wake()} className="min-h-8 shrink-0 rounded-sm px-2 font-medium underline-offset-2 hover:underline">
            {t("shell.try_now")}
          </button>
        </div>
      )}
      {!isShown && <RungLine />}
    </div>
  );
}

/** Over what the page is connected, when the network lets no socket through: said once, for who wonders. */
function RungLine() {
  const { t } = useTranslation();
  const rung = useLink((link) => (link.state === "open" ? link.rung : null));
  const [dismissed, setDismissed] = useState<Rung | null>(null);
  if (rung === null || rung === "socket" || rung === dismissed) return null;
  return (
    <div className="flex items-center gap-2 border-b border-line px-4 py-0.5 text-xs text-quiet">
      <p className="flex-1">{rung === "stream" ? t("shell.rung_stream") : t("shell.rung_poll")}</p>
      <button type="button" onClick={() => setDismissed(rung)} aria-label={t("shell.rung_dismiss")} className="shrink-0 rounded-sm p-1 hover:text-ink">
        <X size={14} strokeWidth={1.75} aria-hidden />
      </button>
    </div>
  );
}
