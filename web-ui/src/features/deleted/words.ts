import { addWords } from "@/shared/i18n/add-words";
import words from "@/shared/i18n/later/deleted.json";

addWords("deleted", words);
