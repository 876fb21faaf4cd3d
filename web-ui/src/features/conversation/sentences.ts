const END = /[.!?…。！？](?=["'”’)\]]*(?:\s|$))|\n/gu;

/** The complete sentences of `text` from unit `from` on, without Markdown's marks, and where they end. */
export function splitSentences(text: string, from: number, isLast: boolean): { sentences: string; end: number } {
  const rest = text.slice(from);
  let length = isLast ? rest.length : 0;
  if (!isLast) {
    for (const match of rest.matchAll(END)) {
      const end = match.index + match[0].length;
      if (end < rest.length) length = end; // at the very end more of the sentence may follow: "3." "14"
    }
  }
  return { sentences: withoutMarks(rest.slice(0, length)), end: from + length };
}

function withoutMarks(text: string): string {
  return text
    .replace(/```[^\n]*\n?/g, " ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*_`#>|~]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
