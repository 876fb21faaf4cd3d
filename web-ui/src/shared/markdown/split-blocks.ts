import { type Links, type Token, type Tokens } from "marked";
import { NO_LINKS, readBlocks } from "./grammar";
import { completeTable, holdBackMarker } from "./mend";

/**
 * A message as a list of blocks. While the text grows only its tail is read again: blocks before
 * `settledLength` are final and keep their identity, so that nothing that was shown is shown anew.
 */
export type Blocks = {
  text: string;
  settled: readonly Token[];
  settledLength: number;
  /** The blocks after the settled ones; the last one may still change. */
  tail: readonly Token[];
  /** Reference definitions seen so far; a new object whenever one is added. */
  links: Links;
  growing: boolean;
  /** The finished items of a long list at the tail's beginning; they are not read again either. */
  head: ListHead | null;
};

type ListHead = { items: readonly Tokens.ListItem[]; raw: string };

export const NO_BLOCKS: Blocks = {
  text: "",
  settled: [],
  settledLength: 0,
  tail: [],
  links: NO_LINKS,
  growing: true,
  head: null,
};

function isShown(token: Token): boolean {
  return token.type !== "space" && token.type !== "def";
}

function readSafely(source: string, links: Links, growing: boolean): Token[] {
  try {
    return readBlocks(source, links, growing);
  } catch {
    // The parser gives up on texts made to exhaust it (thousands of nested quotes): show them as they are.
    return [{ type: "code", raw: source, text: source, lang: "" } satisfies Tokens.Code];
  }
}

function withNewLinks(known: Links, found: Links): Links {
  return Object.keys(found).length === Object.keys(known).length ? known : { ...found };
}

/** How many leading tokens are final: those before the last shown block whose first line is complete. */
function countFinal(tokens: readonly Token[]): number {
  let last = tokens.length - 1;
  while (last >= 0 && !isWhole(tokens[last])) last -= 1;
  return Math.max(last, 0);
}

function isWhole(token: Token | undefined): boolean {
  return token !== undefined && isShown(token) && token.raw.trimStart().includes("\n");
}

function lengthOf(tokens: readonly Token[]): number {
  return tokens.reduce((sum, token) => sum + token.raw.length, 0);
}

const FORMULA_BEGINS = /\$\$|\\[([]/;

/** A block that was read while it grew may hold half a formula; now that it is final it is text. */
function settle(token: Token, links: Links): Token {
  if (!FORMULA_BEGINS.test(token.raw)) return token;
  return readSafely(token.raw, links, false)[0] ?? token;
}

function isOpenFence(token: Token | undefined): boolean {
  return token?.type === "code" && /^ {0,3}(?:`{3}|~{3}).*\n/.test(token.raw);
}

/** Blocks of the growing end, without a last line that does not say yet what it will be. */
function readGrowing(source: string, links: Links): Token[] {
  const held = holdBackMarker(source);
  const tokens = readSafely(held, links, true);
  // in code such a line is only code
  return held !== source && isOpenFence(tokens.at(-1)) ? readSafely(source, links, true) : tokens;
}

/** A table is shown as one from its first row on. */
function withBegunTable(tokens: Token[], links: Links): Token[] {
  const last = tokens.at(-1);
  if (last?.type !== "paragraph") return tokens;
  const completed = completeTable(last.raw);
  if (completed === last.raw) return tokens;
  return [...tokens.slice(0, -1), ...readSafely(completed, { ...links }, true)];
}

const LONG_LIST = 16;

/** The tail's blocks; a list that began in `head` is joined with what follows it. */
function readTail(text: string, { settledLength, head }: Blocks, links: Links): Token[] {
  if (!head) return readGrowing(text.slice(settledLength), links);
  const tokens = readGrowing(text.slice(settledLength + head.raw.length), links);
  const first = tokens[0];
  if (first?.type !== "list") return readGrowing(text.slice(settledLength), links);
  const rest = first as Tokens.List;
  const list: Tokens.List = { ...rest, raw: head.raw + rest.raw, items: [...head.items, ...rest.items] };
  const start = head.items[0] && list.ordered ? Number.parseInt(head.items[0].raw, 10) : list.start;
  return [{ ...list, start }, ...tokens.slice(1)];
}

/** All items of a long list at the tail's beginning but the last two, which may still change. */
function findHead(tail: readonly Token[], source: string): ListHead | null {
  const list = tail[0];
  if (list?.type !== "list" || (list as Tokens.List).items.length < LONG_LIST) return null;
  const items = (list as Tokens.List).items.slice(0, -2);
  const raw = items.map((item) => item.raw).join("");
  return source.startsWith(raw) && raw.endsWith("\n") ? { items, raw } : null;
}

function grow(before: Blocks, text: string): Blocks {
  const links: Links = { ...before.links };
  const tokens = readTail(text, before, links);
  const final = countFinal(tokens);
  const settledNow = tokens.slice(0, final);
  const shownNow = settledNow.filter(isShown).map((token) => settle(token, links));
  const settledLength = before.settledLength + lengthOf(settledNow);
  const tail = tokens.slice(final);
  return {
    text,
    settled: shownNow.length > 0 ? [...before.settled, ...shownNow] : before.settled,
    settledLength,
    tail: withBegunTable(tail, links).filter(isShown),
    links: withNewLinks(before.links, links),
    growing: true,
    head: findHead(tail, text.slice(settledLength)),
  };
}

/** Blocks of the same source keep the identity that they had while the text grew. */
function finish(before: Blocks, text: string): Blocks {
  const links: Links = {};
  const tokens = readSafely(text, links, false).filter(isShown);
  const shown = [...before.settled, ...before.tail];
  const settled = tokens.map((token, index) => {
    const old = shown[index];
    const isSame = old?.type === token.type && old.raw === token.raw;
    return isSame && !FORMULA_BEGINS.test(token.raw) ? old : token;
  });
  return {
    text,
    settled,
    settledLength: text.length,
    tail: [],
    links: withNewLinks(before.links, links),
    growing: false,
    head: null,
  };
}

/** The blocks of `text`, reusing what is known from `before` when `text` continues it. */
export function splitBlocks(before: Blocks, text: string, growing: boolean): Blocks {
  const source = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  if (source === before.text && growing === before.growing) return before;
  const base = source.startsWith(before.text) && before.growing ? before : NO_BLOCKS;
  return growing ? grow(base, source) : finish(base, source);
}

