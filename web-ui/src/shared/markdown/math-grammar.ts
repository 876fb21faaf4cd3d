import type { TokenizerExtension, Tokens } from "marked";

/** A formula, or (while the text still grows) the beginning of one. */
export type MathToken = {
  type: "math" | "mathPending";
  raw: string;
  text: string;
  display: boolean;
};

const LONGEST_FORMULA = 5_000;
// A formula does not reach over a blank line or into a code fence.
const NO_BLANK_LINE = "(?:(?!\\n[ \\t]*(?:\\n|```|~~~))[\\s\\S])";
const BLOCK_BODY = `${NO_BLANK_LINE}{1,${LONGEST_FORMULA}}?`;

const BLOCK = new RegExp(
  `^ {0,3}(?:\\$\\$(?!\\$)(${BLOCK_BODY})\\$\\$|\\\\\\[(${BLOCK_BODY})\\\\\\])[ \\t]*(?:\\n+|$)`,
);
const BLOCK_AHEAD = new RegExp(
  `\\n {0,3}(?:\\$\\$(?!\\$)${BLOCK_BODY}\\$\\$|\\\\\\[${BLOCK_BODY}\\\\\\])[ \\t]*(?:\\n|$)`,
);
const BLOCK_OPEN = new RegExp(
  `^ {0,3}(?:\\$\\$(?!\\$)|\\\\\\[)(${NO_BLANK_LINE}{0,${LONGEST_FORMULA}})$`,
);

const DOUBLE_DOLLAR = /^\$\$(?!\$)((?:\\[\s\S]|[^$\\]|\$(?!\$)){1,5000}?)\$\$/;
const PARENTHESES = /^\\\(([\s\S]{1,5000}?)\\\)/;
const BRACKETS = /^\\\[([\s\S]{1,5000}?)\\\]/;
const SINGLE_DOLLAR = /^\$(?![\s$])((?:\\.|[^$\\\n]|\n(?!\s*\n)){1,1000}?)\$(?!\d)/;
const INLINE_OPEN = /^(?:\$\$(?!\$)|\\[([])([\s\S]{0,5000})$/;

/** "$5 and 10$" is money, "$5$" and "$5x + 1$" are formulas. */
function looksLikeMoney(body: string): boolean {
  return /^\d/.test(body) && !/[\\^_={}<>+*/|]/.test(body) && /\s|[a-z]{2}/i.test(body);
}

function readSingleDollar(source: string, before: string): string[] | null {
  if (/[\p{L}\p{N}$\\]$/u.test(before.slice(-2))) return null;
  const match = SINGLE_DOLLAR.exec(source);
  const body = match?.[1];
  if (!match || body === undefined || /\s$/.test(body) || looksLikeMoney(body)) return null;
  // "$HOME/$PATH": a letter right after the second dollar is an ordinal ("$n$th") only when the body is tiny.
  const next = source.charAt(match[0].length);
  if (/\p{L}/u.test(next) && body.length > 2) return null;
  return [match[0], body];
}

/** The formula at the start of `source`; `before` is what stands right before it. */
export function readInlineMath(source: string, before: string): MathToken | null {
  const display = DOUBLE_DOLLAR.exec(source) ?? BRACKETS.exec(source);
  if (display) return { type: "math", raw: display[0], text: display[1] ?? "", display: true };
  const inline = PARENTHESES.exec(source) ?? readSingleDollar(source, before);
  if (inline) return { type: "math", raw: inline[0] ?? "", text: inline[1] ?? "", display: false };
  return null;
}

function readBlockMath(source: string): MathToken | undefined {
  const match = BLOCK.exec(source);
  if (!match) return undefined;
  return { type: "math", raw: match[0], text: match[1] ?? match[2] ?? "", display: true };
}

function startOfInlineMath(source: string): number | undefined {
  const at = source.search(/\$|\\[([]/);
  return at < 0 ? undefined : at;
}

function startOfBlockMath(source: string): number | undefined {
  return BLOCK_AHEAD.exec(source)?.index;
}

const blockMath: TokenizerExtension = {
  name: "math",
  level: "block",
  start: startOfBlockMath,
  tokenizer: (source) => readBlockMath(source),
};

const inlineMath: TokenizerExtension = {
  name: "math",
  level: "inline",
  start: startOfInlineMath,
  tokenizer: (source, tokens) => readInlineMath(source, tokens.at(-1)?.raw ?? "") ?? undefined,
};

function pending(match: RegExpExecArray | null): Tokens.Generic | undefined {
  if (!match) return undefined;
  return { type: "mathPending", raw: match[0], text: match[0], display: true };
}

const openBlockMath: TokenizerExtension = {
  name: "mathPending",
  level: "block",
  tokenizer: (source) => pending(BLOCK_OPEN.exec(source)),
};

const openInlineMath: TokenizerExtension = {
  name: "mathPending",
  level: "inline",
  tokenizer: (source) => pending(INLINE_OPEN.exec(source)),
};

/** Rules for text that is complete. */
export const mathRules = [blockMath, inlineMath];

/** Rules for text that is still being written: a formula without its end is shown as it was typed. */
export const growingMathRules = [openBlockMath, openInlineMath, blockMath, inlineMath];

/** Blanks out formulas so that stars and underscores in them are not read as emphasis. */
export function maskMath(source: string): string {
  if (!source.includes("$") && !source.includes("\\")) return source;
  let masked = "";
  let at = 0;
  while (at < source.length) {
    const step = startOfInlineMath(source.slice(at));
    if (step === undefined) break;
    const found = readInlineMath(source.slice(at + step), (masked + source.slice(at, at + step)).slice(-2));
    const length = found ? found.raw.length : 1;
    masked += source.slice(at, at + step) + (found ? "a".repeat(length) : source.charAt(at + step));
    at += step + length;
  }
  return masked + source.slice(at);
}
