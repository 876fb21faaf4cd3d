import type { TokenizerExtension } from "marked";

/** `[[m:ID]]`: the answer rests on that message, or on that memory. */
export type CitationToken = { type: "citation"; raw: string; id: string };

const CITATION = /^\[\[m:([0-9a-z]{1,64})\]\]/;
const BEGUN = /\s?\[(?:\[(?:m(?::[0-9a-z]{0,64}\]?)?)?)?$/;

export const citationRule: TokenizerExtension = {
  name: "citation",
  level: "inline",
  start: (source) => {
    const at = source.indexOf("[[m:");
    return at < 0 ? undefined : at;
  },
  tokenizer: (source) => {
    const match = CITATION.exec(source);
    return match ? { type: "citation", raw: match[0], id: match[1] ?? "" } : undefined;
  },
};

/** Without the beginning of a citation at the end of a text that is still being written. */
export function holdBackCitation(source: string): string {
  return source.replace(BEGUN, "");
}
