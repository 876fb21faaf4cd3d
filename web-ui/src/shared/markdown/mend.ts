import { readInlineMath } from "./math-grammar";

/**
 * Makes the end of a text that is still being written look as it will look when it is finished:
 * emphasis is closed, half a link shows its words, markers without text wait for their text.
 */

/** The address of a link whose real one has not arrived. */
export const PENDING_ADDRESS = "quarterdeck:pending";

const LONGEST_LABEL = 200;

const BARE_MARKER = /^[ \t>]*(?:[-*+=_~`#>|:]+|\d{1,9}[.)]?|(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]?\]?)[ \t]*$/;
const LONGEST_MARKER = 60;
const FENCE_OPENING = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?:`{3,}[^`]*|~{3,}.*)$/;

/** Leaves out a last line that is only the beginning of a construct ("-", "##", "1.", "```py"). */
export function holdBackMarker(source: string): string {
  const lineStart = source.lastIndexOf("\n") + 1;
  const line = source.slice(lineStart);
  if (line === "" || line.length > LONGEST_MARKER || !(BARE_MARKER.test(line) || FENCE_OPENING.test(line))) return source;
  return source.slice(0, lineStart);
}

const TABLE_BEGUN = /(^|\n)( {0,3}\|[^\n]*)(?:\n(?: {0,3}\|[ \t|:-]*)?)?$/;

/** A header row alone is shown as a table at once, and not as a line of bars. */
export function completeTable(source: string): string {
  const match = TABLE_BEGUN.exec(source);
  const header = match?.[2];
  if (!match || header === undefined) return source;
  const before = source.slice(0, match.index);
  if (before !== "" && !before.endsWith("\n")) return source;
  const cells = header.replace(/\\\|/g, "").split("|").length - 1 - (/\|\s*$/.test(header) ? 1 : 0);
  if (cells < 1) return source;
  const row = header.trimEnd().endsWith("|") ? header : `${header} |`;
  return `${before}${match[1] ?? ""}${row}\n|${" --- |".repeat(cells)}`;
}

type Opener = { mark: string; count: number; at: number };

type Scan = { source: string; at: number; openers: Opener[] };

/** Either the mended text, or null when the scan goes on. */
type Verdict = string | null;

function closeAll(text: string, openers: Opener[]): string {
  let mended = text.trimEnd();
  for (const opener of [...openers].reverse()) {
    if (opener.mark !== "[") mended += opener.mark.repeat(opener.count);
  }
  return mended;
}

function cutAt(scan: Scan, at: number): string {
  const kept = scan.openers.filter((opener) => opener.at + opener.count < at);
  return closeAll(scan.source.slice(0, at), kept);
}

function showPendingLink(scan: Scan, opener: Opener, label: string): string {
  const inside = scan.openers.filter((other) => other.at > opener.at);
  const outside = scan.openers.filter((other) => other.at < opener.at);
  if (label.trim() === "") return cutAt(scan, opener.at);
  const start = scan.source.slice(0, opener.at);
  return closeAll(`${start}[${closeAll(label, inside)}](${PENDING_ADDRESS})`, outside);
}

function passCode(scan: Scan): Verdict {
  const { source, at } = scan;
  const run = /^`+/.exec(source.slice(at))?.[0] ?? "`";
  const end = new RegExp(`(?<!\`)${run}(?!\`)`, "g");
  end.lastIndex = at + run.length;
  const closing = end.exec(source);
  if (closing) {
    scan.at = closing.index + run.length;
    return null;
  }
  const body = source.slice(at + run.length);
  const shown = body.replace(/`+$/, "");
  if (shown.trim() === "") return cutAt(scan, at);
  return closeAll(source.slice(0, at) + run + shown + run, scan.openers);
}

/** The index after the closing parenthesis of a link's address, or -1. */
function endOfAddress(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "\\") at += 1;
    else if (char === "(") depth += 1;
    else if (char === ")" && --depth === 0) return at + 1;
    else if (char === "\n" && source.charAt(at + 1) === "\n") return at;
  }
  return -1;
}

function passClosingBracket(scan: Scan): Verdict {
  const { source, at, openers } = scan;
  const index = openers.findLastIndex((opener) => opener.mark === "[");
  const opener = openers[index];
  if (!opener) {
    scan.at += 1;
    return null;
  }
  const label = source.slice(opener.at + 1, at);
  const next = source.charAt(at + 1);
  const end = next === "(" ? endOfAddress(source, at + 1) : next === "[" ? source.indexOf("]", at + 2) + 1 : at + 1;
  const undecided = next === "" && !isShortReference(label);
  if (undecided || end <= 0) return showPendingLink(scan, opener, label);
  openers.length = index;
  scan.at = end;
  return null;
}

/** "[1]" and "[x]" are more often a note or a box than the beginning of a link. */
function isShortReference(label: string): boolean {
  return /^(?:\d{1,3}|[ xX]?)$/.test(label);
}

function mayBecomeLink(label: string): boolean {
  return label === "" || (label.length <= LONGEST_LABEL && !isShortReference(label));
}

function closeOpeners(openers: Opener[], mark: string, count: number): number {
  let left = count;
  for (let index = openers.length - 1; index >= 0 && left > 0; index -= 1) {
    const opener = openers[index];
    if (!opener || opener.mark === "[") break;
    if (opener.mark !== mark) continue;
    const taken = Math.min(opener.count, left);
    left -= taken;
    opener.count -= taken;
    openers.length = opener.count === 0 ? index : index + 1;
  }
  return left;
}

function passEmphasis(scan: Scan): Verdict {
  const { source, at, openers } = scan;
  const mark = source.charAt(at);
  let end = at;
  while (source.charAt(end) === mark) end += 1;
  const count = end - at;
  const before = source.charAt(at - 1);
  const after = source.charAt(end);
  const isOpen = openers.some((opener) => opener.mark === mark);
  if (after === "" && !(before !== "" && !/\s/.test(before) && isOpen)) return cutAt(scan, at);
  if (after === "") return closeAll(source.slice(0, at), openers);
  scan.at = end;
  if (mark === "~" && count !== 2) return null;
  const insideWord = /[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after);
  if (insideWord && (mark === "_" || (count === 1 && !isOpen))) return null;
  const left = before !== "" && !/\s/.test(before) ? closeOpeners(openers, mark, count) : count;
  if (left > 0 && !/\s/.test(after)) openers.push({ mark, count: Math.min(left, 3), at });
  return null;
}

function passBackslash(scan: Scan): Verdict {
  if (scan.at + 1 >= scan.source.length) return cutAt(scan, scan.at);
  if (/[([]/.test(scan.source.charAt(scan.at + 1))) return passMath(scan, 2);
  scan.at += 2;
  return null;
}

function passMath(scan: Scan, markLength: number): Verdict {
  const { source, at, openers } = scan;
  const found = readInlineMath(source.slice(at), source.slice(Math.max(0, at - 2), at));
  if (found) {
    scan.at = at + found.raw.length;
    return null;
  }
  if (markLength === 1) {
    scan.at += 1;
    return null;
  }
  return openers.length === 0 ? source : cutAt(scan, at);
}

function passAngle(scan: Scan): Verdict {
  const rest = scan.source.slice(scan.at);
  const closed = /^<[^\s<>]*>/.exec(rest)?.[0];
  if (!closed && /^<(?:h(?:t(?:t(?:p(?:s?(?::\S*)?)?)?)?)?|mailto:\S*|b(?:r ?\/?)?)?$/i.test(rest)) {
    return cutAt(scan, scan.at);
  }
  scan.at += closed?.length ?? 1;
  return null;
}

function openBracket(scan: Scan): Verdict {
  scan.openers.push({ mark: "[", count: 1, at: scan.at });
  scan.at += 1;
  return null;
}

function pass(scan: Scan): Verdict {
  switch (scan.source.charAt(scan.at)) {
    case "\\":
      return passBackslash(scan);
    case "`":
      return passCode(scan);
    case "$":
      return passMath(scan, scan.source.charAt(scan.at + 1) === "$" ? 2 : 1);
    case "[":
      return openBracket(scan);
    case "]":
      return passClosingBracket(scan);
    case "<":
      return passAngle(scan);
    default:
      return passEmphasis(scan);
  }
}

const SPECIAL = /[\\`$[\]<*_~]/g;

/** Closes what is open at the end of a paragraph's text. */
export function mendInline(source: string): string {
  const scan: Scan = { source, at: 0, openers: [] };
  for (;;) {
    SPECIAL.lastIndex = scan.at;
    const next = SPECIAL.exec(source);
    if (!next) break;
    scan.at = next.index;
    const verdict = pass(scan);
    if (verdict !== null) return verdict;
  }
  const bracket = scan.openers.findLast((opener) => opener.mark === "[");
  const label = bracket ? source.slice(bracket.at + 1) : "";
  if (bracket && mayBecomeLink(label)) return showPendingLink(scan, bracket, label);
  return scan.openers.length > 0 ? closeAll(source, scan.openers) : source;
}
