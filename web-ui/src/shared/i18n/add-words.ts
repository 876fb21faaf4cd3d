import { i18n } from "@/shared/i18n/i18n";

/** The words of a part that is loaded when it is needed; they stand under `name`, as those of `en/` do. */
export function addWords(name: string, words: Record<string, unknown>): void {
  i18n.addResourceBundle("en", "translation", { [name]: words }, true, true);
}
