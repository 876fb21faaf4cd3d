import type { Links, Token, Tokens } from "marked";
import { memo, useMemo, type ReactNode } from "react";
import { Citation } from "./citation";
import { holdBackCitation, type CitationToken } from "./citation-grammar";
import { decodeEntities } from "./entities";
import { ExternalLink, OutsidePicture } from "./external-link";
import { Formula } from "./formula";
import { NO_LINKS, readInline } from "./grammar";
import type { MathToken } from "./math-grammar";
import { mendInline, PENDING_ADDRESS } from "./mend";

const DEEPEST = 40;

function showAll(tokens: readonly Token[] | undefined, depth: number): ReactNode {
  return (tokens ?? []).map((token, index) => show(token, index, depth + 1));
}

/** The words of a token without their marks. */
function readWords(token: Token): string {
  if ("tokens" in token && token.tokens) return token.tokens.map(readWords).join("");
  return "text" in token ? decodeEntities(String(token.text)) : "";
}

function isAutolink(token: Tokens.Link): boolean {
  return token.autolink === true;
}

function readHref(token: Tokens.Link | Tokens.Image): string | undefined {
  if (token.href === PENDING_ADDRESS) return undefined;
  const isLiteral = token.type === "link" && isAutolink(token);
  return isLiteral ? token.href : decodeEntities(String(token.href ?? ""));
}

function showLink(token: Tokens.Link, key: number, depth: number): ReactNode {
  const words = isAutolink(token) ? token.text : readWords(token);
  return (
    <ExternalLink key={key} address={readHref(token)} words={words}>
      {isAutolink(token) ? token.text : showAll(token.tokens, depth)}
    </ExternalLink>
  );
}

function showMarked(token: Token, key: number, depth: number): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong key={key}>{showAll(token.tokens, depth)}</strong>;
    case "em":
      return <em key={key}>{showAll(token.tokens, depth)}</em>;
    case "del":
      return <del key={key}>{showAll(token.tokens, depth)}</del>;
    case "link":
      return showLink(token as Tokens.Link, key, depth);
    default:
      return decodeEntities(token.raw);
  }
}

/** An inline token as an element. What is not known here is shown as the text that it was. */
function show(token: Token, key: number, depth: number): ReactNode {
  if (depth > DEEPEST) return token.raw;
  switch (token.type) {
    case "text":
      return decodeEntities((token as Tokens.Text).text);
    case "escape":
      return (token as Tokens.Escape).text;
    case "br":
      return <br key={key} />;
    case "codespan":
      return <code key={key}>{(token as Tokens.Codespan).text}</code>;
    case "image": {
      const image = token as Tokens.Image;
      return <OutsidePicture key={key} address={readHref(image)} alt={readWords(image)} />;
    }
    case "math":
      return <Formula key={key} source={(token as MathToken).text} display={(token as MathToken).display} />;
    case "citation":
      return <Citation key={key} id={(token as CitationToken).id} />;
    case "mathPending":
      return (
        <span key={key} className="md-formula-source">
          {token.raw}
        </span>
      );
    default:
      return showMarked(token, key, depth);
  }
}

function readSafely(source: string, links: Links, growing: boolean): Token[] {
  try {
    return readInline(growing ? mendInline(holdBackCitation(source)) : source, links, growing);
  } catch {
    return [{ type: "escape", raw: source, text: source }];
  }
}

type InlineProps = {
  source: string;
  links: Links;
  /** This is the end of a message that is still being written. */
  growing: boolean;
};

/** The text of a paragraph, a heading or a cell. */
export const Inline = memo(function Inline({ source, links, growing }: InlineProps) {
  const usedLinks = source.includes("[") ? links : NO_LINKS;
  const tokens = useMemo(() => readSafely(source, usedLinks, growing), [source, usedLinks, growing]);
  return <>{showAll(tokens, 0)}</>;
});
