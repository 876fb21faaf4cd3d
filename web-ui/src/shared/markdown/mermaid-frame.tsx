import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import {
  PALETTE_NAMES,
  readAnswer,
  type DiagramRequest,
  type DiagramTheme,
  type Palette,
} from "./mermaid-protocol";
import { useScrollable } from "./scrollable";

/** Until the frame has fetched its program, and then until the diagram is drawn. */
const LOAD_TIMEOUT_MS = 20_000;
const DRAW_TIMEOUT_MS = 10_000;

/** A wide diagram shrinks to the column, but not below this share of its size: then it scrolls. */
const SMALLEST_SHARE = 0.6;

type Size = { width: number; height: number };

/** Sizes of diagrams that were drawn before, so that one scrolled back into view keeps its place. */
const knownSizes = new Map<string, Size>();
const MOST_SIZES = 200;

function rememberSize(source: string, size: Size): void {
  if (knownSizes.size >= MOST_SIZES) knownSizes.clear();
  knownSizes.set(source, size);
}

function watchTheme(onChange: () => void): () => void {
  const observer = new MutationObserver(onChange);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

function useTheme(): DiagramTheme {
  return useSyncExternalStore(watchTheme, () =>
    document.documentElement.dataset.theme === "dark" ? "dark" : "light",
  );
}

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const entries = PALETTE_NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(entries) as Palette;
}

/** `crypto.randomUUID` is missing over plain http; this is not. */
function makeNonce(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

type FrameEvents = {
  onReady: () => void;
  onDrawn: (size: Size) => void;
  /** `null`: it took too long. */
  onFault: (message: string | null) => void;
};

/** Asks the frame for one drawing, as soon as it is ready, and waits for its answer. */
function converse(frame: HTMLIFrameElement, isReady: boolean, request: DiagramRequest, events: FrameEvents) {
  let timer: ReturnType<typeof setTimeout>;
  const ask = () => {
    timer = setTimeout(() => events.onFault(null), DRAW_TIMEOUT_MS);
    frame.contentWindow?.postMessage(request, "*"); // an opaque origin cannot be named
  };
  const listen = (event: MessageEvent) => {
    const answer = event.source === frame.contentWindow ? readAnswer(event.data) : null;
    if (!answer || (answer.type !== "quarterdeck.ready" && answer.nonce !== request.nonce)) return;
    clearTimeout(timer);
    if (answer.type === "quarterdeck.ready") {
      events.onReady();
      ask();
    } else if (answer.type === "quarterdeck.drawn") events.onDrawn(answer);
    else events.onFault(answer.message);
  };
  addEventListener("message", listen);
  if (isReady) ask();
  else timer = setTimeout(() => events.onFault(null), LOAD_TIMEOUT_MS);
  return () => {
    clearTimeout(timer);
    removeEventListener("message", listen);
  };
}

function useDrawing(source: string, onFault: (message: string | null) => void) {
  const theme = useTheme();
  const frame = useRef<HTMLIFrameElement>(null);
  const isReady = useRef(false);
  const [size, setSize] = useState(() => knownSizes.get(source) ?? null);
  const [isDrawn, setIsDrawn] = useState(false);
  const fault = useRef(onFault);
  useEffect(() => {
    fault.current = onFault;
  });
  useEffect(() => {
    if (!frame.current) return;
    const request = { type: "quarterdeck.draw", nonce: makeNonce(), source, theme, palette: readPalette() } as const;
    return converse(frame.current, isReady.current, request, {
      onReady: () => {
        isReady.current = true;
      },
      onDrawn: (drawn) => {
        rememberSize(source, drawn);
        setSize(drawn);
        setIsDrawn(true);
      },
      onFault: (message) => fault.current(message),
    });
  }, [source, theme]);
  return { frame, size, isDrawn };
}

type DiagramFrameProps = { source: string; onFault: (message: string) => void };

/** The frame has no rights but to run its own script: no origin, no network, no way to the page but messages. */
export function DiagramFrame({ source, onFault }: DiagramFrameProps) {
  const { t } = useTranslation();
  const tooSlow = t("markdown.diagram_too_slow");
  const { frame, size, isDrawn } = useDrawing(source, (message) => onFault(message ?? tooSlow));
  const scrollable = useScrollable<HTMLDivElement>();
  const style = size && {
    width: `${size.width}px`,
    minWidth: `${Math.round(size.width * SMALLEST_SHARE)}px`,
    aspectRatio: `${size.width} / ${size.height}`,
  };
  return (
    <div className="md-diagram" data-drawn={isDrawn} {...scrollable}>
      <iframe
        ref={frame}
        src="/sandbox/mermaid"
        sandbox="allow-scripts"
        referrerPolicy="no-referrer"
        title={t("markdown.diagram")}
        style={style ?? undefined}
      />
      {isDrawn ? null : <p className="md-waiting">{t("markdown.drawing")}</p>}
    </div>
  );
}
