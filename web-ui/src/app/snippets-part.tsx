import "@/features/snippets/words";

import { useTranslation } from "react-i18next";

import { useTitle } from "@/app/use-title";
import { SnippetSettings } from "@/features/snippets/snippet-settings";

export function SnippetsPart() {
  const { t } = useTranslation();
  useTitle(t("settings.snippets"));
  return <SnippetSettings />;
}
