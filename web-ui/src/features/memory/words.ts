import { addWords } from "@/shared/i18n/add-words";
import words from "@/shared/i18n/later/memory.json";

addWords("memory", words);
