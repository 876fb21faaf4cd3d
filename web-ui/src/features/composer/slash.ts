/** A slash at the beginning or after a blank, and what is typed after it, up to the caret. */
export interface Slash {
  /** Where the slash stands. */
  start: number;
  query: string;
}

const SLASH = /(?:^|\s)\/([\p{L}\p{N}_-]{0,50})$/u;
const LONGEST = 52;

export function findSlash(text: string, caret: number): Slash | null {
  const query = SLASH.exec(text.slice(Math.max(caret - LONGEST, 0), caret))?.[1];
  return query === undefined ? null : { start: caret - query.length - 1, query: query.toLowerCase() };
}

/** Names that begin with it, then names that contain it. */
export function matchNames<Named extends { name: string }>(named: readonly Named[], query: string): Named[] {
  const begin = named.filter(({ name }) => name.startsWith(query));
  return [...begin, ...named.filter(({ name }) => name.includes(query) && !name.startsWith(query))];
}
