/**
 * What the page and the frame of diagrams say to each other. The frame has an origin of its own, so both
 * sides know each other by window, and an answer by the nonce of its question.
 */
export type DiagramTheme = "light" | "dark";

/** The page's tokens that a drawing uses, as hexadecimal colours. */
export const PALETTE_NAMES = ["ground", "raised", "sunken", "ink", "quiet", "line-strong", "edge", "accent", "accent-soft"] as const;
export type Palette = Record<(typeof PALETTE_NAMES)[number], string>;

export type DiagramRequest = {
  type: "quarterdeck.draw";
  nonce: string;
  source: string;
  theme: DiagramTheme;
  palette: Palette;
};

export type DiagramAnswer =
  | { type: "quarterdeck.ready" }
  | { type: "quarterdeck.drawn"; nonce: string; width: number; height: number }
  | { type: "quarterdeck.failed"; nonce: string; message: string };

export const LONGEST_DIAGRAM = 20_000;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** An answer of the frame, or null for anything else: what comes out of a frame is not trusted. */
export function readAnswer(message: unknown): DiagramAnswer | null {
  if (!isRecord(message)) return null;
  const { type, nonce } = message;
  if (type === "quarterdeck.ready") return { type };
  if (typeof nonce !== "string") return null;
  if (type === "quarterdeck.drawn") return readDrawn(message, nonce);
  if (type !== "quarterdeck.failed" || typeof message.message !== "string") return null;
  return { type, nonce, message: message.message.slice(0, 500) };
}

function readDrawn(message: Record<string, unknown>, nonce: string): DiagramAnswer | null {
  const { width, height } = message;
  if (typeof width !== "number" || typeof height !== "number") return null;
  if (!(width > 0 && height > 0 && width < 100_000 && height < 100_000)) return null;
  return { type: "quarterdeck.drawn", nonce, width, height };
}

const COLOUR = /^#[0-9a-f]{3,8}$/i;

function isPalette(value: unknown): value is Palette {
  return isRecord(value) && PALETTE_NAMES.every((name) => COLOUR.test(String(value[name])));
}

export function readRequest(message: unknown): DiagramRequest | null {
  if (!isRecord(message) || message.type !== "quarterdeck.draw") return null;
  const { nonce, source, theme, palette } = message;
  if (typeof nonce !== "string" || typeof source !== "string") return null;
  if (theme !== "light" && theme !== "dark") return null;
  if (!isPalette(palette)) return null;
  return { type: "quarterdeck.draw", nonce, source, theme, palette };
}
