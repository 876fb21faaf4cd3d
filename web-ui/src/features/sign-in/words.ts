import { addWords } from "@/shared/i18n/add-words";
import words from "@/shared/i18n/later/sign_in.json";

addWords("sign_in", words);
