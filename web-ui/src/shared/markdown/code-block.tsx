import { Fragment, memo, useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "./copy-button";
import { findHighlighter, type CodeLine, type Highlight } from "./highlight";
import { useLazyPart } from "./lazy-part";
import { useScrollable } from "./scrollable";

const LONGEST_HIGHLIGHTED = 60_000;
const CHUNK_LINES = 24;

/** While code grows it is coloured again every so many lines, so that long code stays cheap. */
function stepFor(lineCount: number): number {
  if (lineCount < 60) return 1;
  if (lineCount < 240) return 8;
  return lineCount < 1_000 ? 64 : Number.POSITIVE_INFINITY;
}

/** The part of growing code that is worth colouring now: whole lines. */
export function findColouredLength(code: string): number {
  let lineCount = 0;
  for (let at = code.indexOf("\n"); at >= 0; at = code.indexOf("\n", at + 1)) lineCount += 1;
  const wanted = Math.floor(lineCount / stepFor(lineCount)) * stepFor(lineCount);
  if (!Number.isFinite(wanted)) return 0;
  let end = 0;
  for (let line = 0; line < wanted; line += 1) end = code.indexOf("\n", end) + 1;
  return end;
}

function showLine(line: CodeLine): ReactNode {
  return line.pieces.map((piece, index) =>
    piece.className === "" ? (
      piece.text
    ) : (
      <span key={index} className={piece.className}>
        {piece.text}
      </span>
    ),
  );
}

type ChunkProps = { lines: readonly CodeLine[]; isLast: boolean };

function isSameChunk(before: ChunkProps, after: ChunkProps): boolean {
  return (
    before.isLast === after.isLast &&
    before.lines.length === after.lines.length &&
    before.lines.every((line, index) => line === after.lines[index] || line.signature === after.lines[index]?.signature)
  );
}

/** Lines that are laid out together: what grows at the end does not move the browser to lay out all of them again. */
const Chunk = memo(function Chunk({ lines, isLast }: ChunkProps) {
  return (
    <span className="md-chunk">
      {lines.map((line, index) => (
        <Fragment key={index}>
          {index > 0 ? "\n" : null}
          {showLine(line)}
        </Fragment>
      ))}
      {isLast ? null : "\n"}
    </span>
  );
}, isSameChunk);

function splitPlain(code: string): CodeLine[] {
  return code.split("\n").map((text) => ({ signature: text, pieces: text === "" ? [] : [{ className: "", text }] }));
}

function showLines(lines: readonly CodeLine[]): ReactNode {
  const chunks: ReactNode[] = [];
  for (let from = 0; from < lines.length; from += CHUNK_LINES) {
    const to = from + CHUNK_LINES;
    chunks.push(<Chunk key={from} lines={lines.slice(from, to)} isLast={to >= lines.length} />);
  }
  return chunks;
}

function useColouredCode(code: string, highlight: Highlight | null, growing: boolean): ReactNode {
  const isColoured = highlight !== null && code.length <= LONGEST_HIGHLIGHTED;
  const length = isColoured ? (growing ? findColouredLength(code) : code.length) : 0;
  const coloured = code.slice(0, length);
  const lines = useMemo(
    () => (highlight && coloured !== "" ? highlight(coloured) : []),
    [highlight, coloured],
  );
  // growing code is coloured up to a line's end, after which the highlighter sees one more, empty line
  const whole = length < code.length ? lines.slice(0, -1) : lines;
  return showLines(length < code.length ? [...whole, ...splitPlain(code.slice(length))] : whole);
}

type CodeBlockProps = {
  code: string;
  language: string;
  /** The fence is not closed yet. */
  growing: boolean;
  /** Further buttons for the head. */
  tools?: ReactNode;
};

export function CodeBlock({ code, language, growing, tools }: CodeBlockProps) {
  const { t } = useTranslation();
  const highlight = useLazyPart(findHighlighter(language));
  const content = useColouredCode(code, highlight, growing);
  const scrollable = useScrollable<HTMLPreElement>();
  return (
    <div className="md-code">
      <div className="md-code-head">
        <span className="md-language">{language || t("markdown.plain")}</span>
        <span className="md-spring" />
        {tools}
        <CopyButton getText={() => code} label={t("markdown.copy_code")} />
      </div>
      <pre {...scrollable} dir="ltr">
        <code>{content}</code>
      </pre>
    </div>
  );
}
