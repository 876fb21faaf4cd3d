/**
 * Finds the character of rendered Markdown that stands at a place in its source. Marks and blanks differ
 * between the two, so only letters and digits are compared: the last few before the place, nearest to
 * where they are expected.
 */
const LETTER = /[\p{L}\p{N}]/u;
const CONTEXT = 24;
const LEAST_CONTEXT = 4;

interface Letter {
  node: Text;
  /** Unit index behind the letter. */
  end: number;
}

/** A range over the last letter before the place, or null when the words are not there. */
export function findPlace(root: Node, before: string): Range | null {
  const wanted = lettersOf(before);
  if (wanted.length === 0) return null;
  const { text, letters } = renderedLetters(root);
  const found = nearestEnd(text, wanted);
  const letter = found === null ? undefined : letters[found];
  if (!letter) return null;
  const range = document.createRange();
  range.setStart(letter.node, letter.end - 1);
  range.setEnd(letter.node, letter.end);
  return range;
}

/** Index of the letter where `wanted` ends in `text`; the shorter the context, the less it must agree. */
export function nearestEnd(text: string, wanted: string): number | null {
  for (let size = Math.min(CONTEXT, wanted.length); size >= Math.min(LEAST_CONTEXT, wanted.length); size -= 4) {
    const context = wanted.slice(-size);
    let best: number | null = null;
    for (let at = text.indexOf(context); at >= 0; at = text.indexOf(context, at + 1)) {
      const end = at + size - 1;
      const isNearer = best === null || Math.abs(end - wanted.length) < Math.abs(best - wanted.length);
      if (isNearer) best = end;
    }
    if (best !== null) return best;
  }
  return null;
}

function lettersOf(text: string): string {
  return Array.from(text)
    .filter((character) => character.length === 1 && LETTER.test(character))
    .join("");
}

function renderedLetters(root: Node): { text: string; letters: Letter[] } {
  const letters: Letter[] = [];
  let text = "";
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node instanceof Text; node = walker.nextNode()) {
    for (let index = 0; index < node.data.length; index++) {
      const character = node.data.charAt(index);
      if (!LETTER.test(character)) continue;
      letters.push({ node, end: index + 1 });
      text += character;
    }
  }
  return { text, letters };
}
