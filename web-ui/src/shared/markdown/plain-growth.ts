import { holdBackMarker } from "./mend";

const WORDS = /^[\p{L}\p{M}\p{N} ,.;:!?'"’‘“”()…–—，。、；：！？（）「」『』،؛؟।-]*$/u;
const LETTER = /\p{L}/u;
/** What makes a word more than a word: addresses, and names of characters. */
const MORE_THAN_A_WORD = /[@/&\\]|www\./i;
/** A definition of a link is not shown. */
const DEFINITION = /^[ \t>]*\[[^\]]*\]:/;
const FENCE_LIKE = /^[ \t>]*[`~]/;

function lastLine(source: string): string {
  return source.slice(source.lastIndexOf("\n") + 1);
}

/** A bracket that may still begin a link. */
function hasOpenBracket(source: string): boolean {
  const bracket = source.lastIndexOf("[");
  return bracket > source.lastIndexOf("]") && bracket > source.lastIndexOf("\n\n");
}

function growsAsCode(source: string, added: string): boolean {
  return !added.includes("\n") && !FENCE_LIKE.test(lastLine(source) + added);
}

/**
 * Whether `added` at the end of `source` only makes its last words longer, whatever was read before: no mark,
 * no line, no address begins or ends with it. When in doubt it does not.
 */
export function addsOnlyWords(source: string, added: string, isCode: boolean): boolean {
  if (isCode) return growsAsCode(source, added);
  const line = lastLine(source);
  if (!WORDS.test(added) || !WORDS.test(source.slice(-1)) || !LETTER.test(line) || DEFINITION.test(line)) return false;
  const word = line.slice(line.lastIndexOf(" ") + 1);
  if (MORE_THAN_A_WORD.test(word + added)) return false;
  return !hasOpenBracket(source) && holdBackMarker(source) === source;
}
