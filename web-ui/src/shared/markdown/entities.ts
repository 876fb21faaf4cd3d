const REFERENCE = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z][a-zA-Z0-9]{1,31}));/g;

const named = new Map<string, string>();

/** The browser knows all the names; the document that it reads them in is inert. */
function readName(reference: string, name: string): string {
  const known = named.get(name);
  if (known !== undefined) return known;
  const text = new DOMParser().parseFromString(reference, "text/html").body.textContent;
  named.set(name, text);
  return text;
}

function readCode(code: number): string {
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : "\ufffd";
}

/** "&amp;" as "&", once: what comes out is text and is not read again. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(REFERENCE, (reference, decimal?: string, hex?: string, name?: string) => {
    if (decimal) return readCode(Number.parseInt(decimal, 10));
    if (hex) return readCode(Number.parseInt(hex, 16));
    return name ? readName(reference, name) : reference;
  });
}
