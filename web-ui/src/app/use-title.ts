import { useEffect } from "react";
import { useTranslation } from "react-i18next";

/** The tab's title: what is open, then the product. */
export function useTitle(title: string): void {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = title === "" ? t("sidebar.name") : `${title} · ${t("sidebar.name")}`;
  }, [title, t]);
}
