import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

const PATIENT_MS = 250;
const WIDTHS = ["w-1/3", "w-full", "w-11/12", "w-4/5", "w-1/4", "w-full", "w-2/3"];

/** Grey lines where the messages will stand; not before a moment has passed, so that nothing flickers. */
export function MessagesSkeleton() {
  const { t } = useTranslation();
  const [isShown, setIsShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsShown(true), PATIENT_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={t("ui.loading")} className="min-h-0 flex-1">
      {isShown && (
        <div className="qd-column flex flex-col gap-3 pt-10" aria-hidden>
          {WIDTHS.map((width, index) => (
            <div key={index} className={`h-4 rounded-sm bg-hover ${width}`} />
          ))}
        </div>
      )}
    </div>
  );
}
