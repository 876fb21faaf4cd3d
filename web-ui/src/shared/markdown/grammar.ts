import { Lexer, Marked, type Links, type MarkedOptions, type Token, type TokenizerExtension } from "marked";
import { citationRule } from "./citation-grammar";
import { growingMathRules, maskMath, mathRules } from "./math-grammar";

const LINE_BREAK = /^<br ?\/?>/i;
const FOOTNOTE = /^ {0,3}\[\^/;

/**
 * Markdown without HTML: tags are read as plain text, only `<br>` (which models write into table
 * cells) is a line break.
 */
function makeOptions(rules: TokenizerExtension[]): MarkedOptions {
  const marked = new Marked({
    gfm: true,
    extensions: rules,
    hooks: { emStrongMask: maskMath },
    tokenizer: {
      html: () => undefined,
      def: (source) => (FOOTNOTE.test(source) ? undefined : false), // a note of one word would be taken for an address, and be gone
      tag: (source) => {
        const match = LINE_BREAK.exec(source);
        return match ? ({ type: "br", raw: match[0] } as never) : undefined;
      },
    },
  });
  return marked.defaults;
}

const FINISHED = makeOptions([citationRule, ...mathRules]);
const GROWING = makeOptions([citationRule, ...growingMathRules]);

export const NO_LINKS: Links = Object.freeze({});

/** Reads blocks only; the text of paragraphs and cells is read when they are shown. */
export function readBlocks(source: string, links: Links, growing: boolean): Token[] {
  const lexer = new Lexer(growing ? GROWING : FINISHED);
  lexer.tokens.links = links;
  return lexer.blockTokens(source, lexer.tokens);
}

export function readInline(source: string, links: Links, growing: boolean): Token[] {
  const lexer = new Lexer(growing ? GROWING : FINISHED);
  lexer.tokens.links = links;
  return lexer.inlineTokens(source, []);
}
