import mermaid from "mermaid";

import {
  LONGEST_DIAGRAM,
  readRequest,
  type DiagramAnswer,
  type DiagramRequest,
  type Palette,
} from "../src/shared/markdown/mermaid-protocol";

/**
 * The program of the sandboxed frame: draws what the page sends and answers with the drawing's size. It is
 * one classic script, because a module cannot be fetched from a document without an origin.
 */

/** Words in a diagram may be bold or break lines; nothing in them may fetch, ask or lead anywhere. */
const PLAIN_LABELS = {
  ALLOWED_TAGS: ["b", "br", "code", "del", "div", "em", "i", "p", "s", "small", "span", "strong", "sub", "sup", "u"],
  ALLOWED_ATTR: ["class"],
};

function makeThemeVariables(palette: Palette, isDark: boolean) {
  return {
    darkMode: isDark,
    background: palette.ground,
    primaryColor: palette["accent-soft"],
    primaryBorderColor: palette.accent,
    primaryTextColor: palette.ink,
    secondaryColor: palette.sunken,
    secondaryBorderColor: palette["line-strong"],
    tertiaryColor: palette.raised,
    tertiaryBorderColor: palette["line-strong"],
    lineColor: palette.edge,
    textColor: palette.ink,
    noteBkgColor: palette.sunken,
    noteBorderColor: palette["line-strong"],
    noteTextColor: palette.ink,
    edgeLabelBackground: palette.ground,
    pieStrokeColor: palette.edge,
    pieOuterStrokeColor: palette.edge,
    pieStrokeWidth: "1px",
    pieOuterStrokeWidth: "1px",
    fontSize: "14px",
  };
}

/** What a diagram's own text may not change: beside Mermaid's list, how it looks, for style sheets can name addresses. */
const OURS = [
  ...["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "suppressErrorRendering"],
  ...["dompurifyConfig", "theme", "themeCSS", "themeVariables", "fontFamily", "altFontFamily"],
];

function configure({ palette, theme }: DiagramRequest): void {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    secure: OURS,
    suppressErrorRendering: true,
    maxTextSize: LONGEST_DIAGRAM,
    maxEdges: 500,
    dompurifyConfig: PLAIN_LABELS,
    theme: "base",
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
    themeVariables: makeThemeVariables(palette, theme === "dark"),
  });
}

/** A link in a diagram would lead this frame away without asking. */
function removeLinks(drawing: SVGSVGElement): void {
  for (const link of drawing.querySelectorAll("a")) {
    link.removeAttribute("href");
    link.removeAttribute("xlink:href");
  }
}

function fitToFrame(drawing: SVGSVGElement): { width: number; height: number } {
  const { width, height } = drawing.viewBox.baseVal;
  drawing.setAttribute("width", "100%");
  drawing.setAttribute("height", "100%");
  drawing.style.maxWidth = "none";
  return { width: Math.ceil(width), height: Math.ceil(height) };
}

async function draw(request: DiagramRequest): Promise<DiagramAnswer> {
  document.documentElement.style.colorScheme = request.theme;
  configure(request);
  const { svg } = await mermaid.render(`diagram-${request.nonce}`, request.source);
  document.body.innerHTML = svg;
  const drawing = document.body.querySelector("svg");
  if (!drawing) throw new Error("nothing was drawn");
  removeLinks(drawing);
  return { type: "quarterdeck.drawn", nonce: request.nonce, ...fitToFrame(drawing) };
}

function explain(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

addEventListener("message", (event: MessageEvent<unknown>) => {
  const request = event.source === window.parent ? readRequest(event.data) : null;
  if (!request) return;
  const answer = (message: DiagramAnswer) => window.parent.postMessage(message, event.origin);
  draw(request).then(answer, (reason: unknown) =>
    answer({ type: "quarterdeck.failed", nonce: request.nonce, message: explain(reason) }),
  );
});

window.parent.postMessage({ type: "quarterdeck.ready" } satisfies DiagramAnswer, "*");
