import i18next from "i18next";
import { initReactI18next } from "react-i18next";

/** `en/composer.json` holds the words under `composer.…`: one file for each feature or room. */
const files = import.meta.glob<Record<string, unknown>>("./en/*.json", { eager: true, import: "default" });

const english = Object.fromEntries(
  Object.entries(files).map(([path, words]) => [path.replace(/^.*\/|\.json$/g, ""), words]),
);

export const i18n = i18next.createInstance();

void i18n.use(initReactI18next).init({
  lng: "en",
  fallbackLng: "en",
  resources: { en: { translation: english } },
  interpolation: { escapeValue: false },
  returnNull: false,
  initAsync: false,
});
