/** Snippets' variables: `{{name}}`, `{{name:default}}`, and `{{date}}`, `{{time}}`, `{{clipboard}}` that answer themselves. */

export interface Variable {
  name: string;
  /** What stands in its field at first. */
  preset: string;
}

const VARIABLE = /\{\{\s*([^{}:]{1,100}?)\s*(?::([^{}]*))?\}\}/g;
const CLIPBOARD = "clipboard";

const CLOCK = new Map<string, (now: Date, language: string) => string>([
  ["date", (now, language) => now.toLocaleDateString(language, { dateStyle: "long" })],
  ["time", (now, language) => now.toLocaleTimeString(language, { timeStyle: "short" })],
]);

/** Each name once, in the order of the text; the first default that is given counts. */
export function findVariables(text: string): Variable[] {
  const found = new Map<string, Variable>();
  for (const [, name = "", preset = ""] of text.matchAll(VARIABLE)) {
    const known = found.get(name);
    if (known === undefined) found.set(name, { name, preset: preset.trim() });
    else if (known.preset === "") known.preset = preset.trim();
  }
  return [...found.values()];
}

/** Those that somebody has to be asked for. */
export function askedFor(text: string): Variable[] {
  return findVariables(text).filter(({ name }) => !CLOCK.has(name) && name !== CLIPBOARD);
}

/** What answers itself. A clipboard that may not be read is missing: it is asked for then. */
export async function answerByItself(text: string, now: Date, language: string): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const { name } of findVariables(text)) {
    const tell = CLOCK.get(name);
    if (tell) values.set(name, tell(now, language));
    if (name !== CLIPBOARD) continue;
    const copied = await readClipboard();
    if (copied !== null) values.set(name, copied);
  }
  return values;
}

/** What no value is given for stays as it is written. */
export function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(VARIABLE, (written, name: string) => values.get(name) ?? written);
}

async function readClipboard(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return null; // not allowed, or nothing but a picture
  }
}
