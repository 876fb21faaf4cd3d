/** An address that may be offered to the reader: http, https or mailto, written out in full. */
export type Address = {
  href: string;
  /** The part that says where it leads: the host in its ASCII form, or the mailbox. */
  destination: string;
};

const ALLOWED = /^(?:https?:\/\/|mailto:)[^\s]/i;
// Control characters, and characters that change the direction of text or cannot be seen.
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

export function readAddress(written: unknown): Address | null {
  if (typeof written !== "string" || written.length > 8_000) return null;
  if (!ALLOWED.test(written) || DECEPTIVE.test(written)) return null;
  const url = parseOrNull(written);
  if (!url) return null;
  if (url.protocol === "mailto:") return { href: url.href, destination: url.pathname };
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  return { href: url.href, destination: url.host };
}

function parseOrNull(written: string): URL | null {
  try {
    return new URL(written);
  } catch {
    return null;
  }
}

const LOOKS_LIKE_HOST = /(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})/iu;

/** The host that the words of a link name when it is not the one that the link leads to, else null. */
export function findOtherHost(words: string, address: Address): string | null {
  const named = LOOKS_LIKE_HOST.exec(words)?.[1]?.toLowerCase().replace(/^www\./, "");
  if (named === undefined || address.href.startsWith("mailto:")) return null;
  const actual = address.destination.replace(/:\d+$/, "").replace(/^www\./, "");
  return actual === named || actual.endsWith(`.${named}`) ? null : named;
}
