const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** A random identifier of 20 characters (100 bits). `crypto.randomUUID` is missing outside secure contexts. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  return Array.from(bytes, (byte) => ALPHABET[byte & 31]).join("");
}
