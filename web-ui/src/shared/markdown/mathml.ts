import { createElement, type ReactNode } from "react";

/**
 * KaTeX answers with a string of MathML. It is read by the browser's parser into an inert document, and
 * only what stands in these lists is built again as elements.
 */
const TAGS = new Set(
  (
    "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose " +
    "msub msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd"
  ).split(" "),
);

const ATTRIBUTES = new Set(
  (
    "accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form height " +
    "largeop linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits " +
    "notation rowalign rowlines rowspacing rspace scriptlevel separator stretchy symmetric voffset width"
  ).split(" "),
);

const DEEPEST = 100;
// No scheme, no function, no quotes: lengths, colours and keywords.
const PLAIN_VALUE = /^[\w\s.#%+,-]*$/;

function readAttributes(element: Element): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const { name, value } of element.attributes) {
    if (ATTRIBUTES.has(name) && PLAIN_VALUE.test(value)) kept[name] = value;
  }
  return kept;
}

/** Browsers no longer align columns by attribute: the classes of a table's cells, by column. */
function readColumns(table: Element): string[] {
  const written = table.getAttribute("columnalign")?.trim().split(/\s+/) ?? [];
  return written.map((align) => (align === "left" || align === "right" ? `md-cell-${align}` : ""));
}

function readRow(row: Element, columns: readonly string[], key: number, depth: number): ReactNode {
  const cells = [...row.children].map((cell, index) => {
    const className = columns[index] ?? columns.at(-1);
    return readNode(cell, index, depth + 1, className ? { className } : {});
  });
  return createElement(row.localName, { ...readAttributes(row), key }, ...cells);
}

function readChildren(element: Element, depth: number): ReactNode[] {
  if (element.localName !== "mtable") {
    return [...element.childNodes].map((child, index) => readNode(child, index, depth + 1));
  }
  const columns = readColumns(element);
  const rows = [...element.children].filter((row) => row.localName === "mtr");
  return rows.map((row, index) => readRow(row, columns, index, depth + 1));
}

function readNode(node: Node, key: number, depth: number, further: { className?: string } = {}): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (!(node instanceof Element) || depth > DEEPEST) return null;
  const tag = node.localName;
  if (tag === "semantics") return node.firstElementChild ? readNode(node.firstElementChild, key, depth + 1) : null;
  if (!TAGS.has(tag)) return null;
  return createElement(tag, { ...readAttributes(node), ...further, key }, ...readChildren(node, depth));
}

/** The first formula in `markup`, or null when there is none. */
export function readMathml(markup: string): ReactNode {
  const math = new DOMParser().parseFromString(markup, "text/html").querySelector("math");
  return math ? readNode(math, 0, 0) : null;
}
