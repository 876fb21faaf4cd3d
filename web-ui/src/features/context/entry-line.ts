import type { ContextEntry } from "@/shared/wire/resources";

const MAX_CHARS = 120;
const AROUND = [
  /^\s*\[Sent [^\]\n]*\]\n/, // when the user said it
  /^\s*<(?:message|memory)\b[^>]*>/, // whose it is and when, of what was recalled
  /<\/(?:message|memory)>\s*$/,
];

/** What is shown of an entry that is folded: what was said, without what the server has put around it. */
export function entryLine({ text }: Pick<ContextEntry, "text">): string {
  const said = AROUND.reduce((left, around) => left.replace(around, ""), text ?? "");
  return said.replace(/\s+/g, " ").trim().slice(0, MAX_CHARS);
}
