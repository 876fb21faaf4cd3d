import type { Blocks } from "./split-blocks";
import { addsOnlyWords } from "./plain-growth";

/** Elements between a message and its last words in which those may simply grow. */
const GROWS =
  "p, li, ul, ol, blockquote, h3, h4, h5, h6, strong, em, del, td, th, tr, thead, tbody, table, .md-table, .md-chunk, code:has(> .md-chunk), pre, .md-code";

/** The rest of a row that is being written is empty. */
function findLastCell(row: HTMLTableRowElement): Element | null {
  return [...row.cells].findLast((cell) => cell.hasChildNodes()) ?? null;
}

/** The text node in which the last of `root`'s words stand, if they may grow where they are. */
function findLastWords(root: Element): Text | null {
  let node: ChildNode | null = root.lastChild;
  while (node instanceof Element && node.matches(GROWS)) {
    node = node instanceof HTMLTableRowElement ? findLastCell(node) : node.lastChild;
  }
  return node instanceof Text ? node : null;
}

/**
 * The end of a text that is being written, as it stands on the page. Words that change no markup are added to
 * its text node, and nothing is read, rendered or compared; what the page's own rendering wrote there comes
 * back with `restore` before it writes again.
 */
export class GrowingEnd {
  private node: Text | null = null;
  private rendered = "";
  private source = "";

  /** `blocks` have been rendered into `root`. */
  note(root: Element, { text, tail, growing }: Blocks): void {
    this.node = null;
    const raw = tail.at(-1)?.raw;
    if (!growing || raw === undefined || !text.endsWith(raw)) return;
    const node = findLastWords(root);
    if (node === null || node.data === "" || !raw.endsWith(node.data)) return;
    this.node = node;
    this.rendered = node.data;
    this.source = text;
  }

  /** Shows `text` by adding to the last words; false when it has to be read. */
  extend(text: string): boolean {
    const { node, source } = this;
    if (!node?.isConnected || !text.startsWith(source)) return false;
    const added = text.slice(source.length);
    if (added === "") return true;
    const isCode = node.parentElement?.className === "md-chunk";
    if (!addsOnlyWords(source, added, isCode)) return false;
    node.appendData(added);
    this.source = text;
    return true;
  }

  /** Everything as it was rendered: whoever renders it again compares with that. */
  restore(): void {
    const { node, rendered } = this;
    if (node && node.data !== rendered) node.data = rendered;
    this.node = null;
  }
}
