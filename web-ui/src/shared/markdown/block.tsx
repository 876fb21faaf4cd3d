import type { Links, Token, Tokens } from "marked";
import { createElement, memo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "./code-block";
import { decodeEntities } from "./entities";
import { Formula } from "./formula";
import { Inline } from "./inline";
import type { MathToken } from "./math-grammar";
import { Diagram } from "./mermaid-diagram";
import { Table } from "./table";

const DEEPEST = 30;
/** Headings of a message stand below those of the page. */
const HEADING_OFFSET = 2;

type BlockProps = {
  token: Token;
  links: Links;
  /** The end of this block is the end of a message that is still being written. */
  growing: boolean;
  depth?: number;
};

type Shared = { links: Links; growing: boolean; depth: number };

/** Whether a fence has its end; code by indentation always has. */
export function isFenceClosed(raw: string): boolean {
  const fence = /^[ \t]*(`{3,}|~{3,})/.exec(raw)?.[1];
  if (fence === undefined) return true;
  const text = raw.trimEnd();
  const lastLine = text.slice(text.lastIndexOf("\n") + 1).trim();
  return text.includes("\n") && lastLine.startsWith(fence) && /^(`+|~+)$/.test(lastLine);
}

function showCode(token: Tokens.Code, growing: boolean): ReactNode {
  const isClosed = isFenceClosed(token.raw);
  const language = /^\S*/.exec(decodeEntities(token.lang ?? ""))?.[0] ?? "";
  if (language === "mermaid" && isClosed) return <Diagram source={token.text} />;
  if (language === "math" && isClosed) return <Formula source={token.text} display />;
  const isOpen = growing && !isClosed;
  const code = isOpen ? token.text.replace(/(^|\n)[ \t]*(?:`{1,3}|~{1,3})$/, "$1") : token.text;
  return <CodeBlock code={code} language={language} growing={isOpen} />;
}

function TaskMark({ isDone }: { isDone: boolean }) {
  const { t } = useTranslation();
  const label = isDone ? t("markdown.done") : t("markdown.not_done");
  return <span className="md-task-mark" role="img" aria-label={label} data-done={isDone} />;
}

type ItemProps = Shared & { item: Tokens.ListItem };

function isSameItem(before: ItemProps, after: ItemProps): boolean {
  return (
    before.item.raw === after.item.raw &&
    before.item.task === after.item.task &&
    before.links === after.links &&
    before.growing === after.growing
  );
}

const TASK_PREFIX = /^\[[ xX]\][ \t]+/;

/** The marker of a task is drawn; in loose lists the parser leaves it in the text, too. */
function withoutTaskMarker(token: Token, item: Tokens.ListItem, index: number): Token {
  if (!item.task || index > 0 || !("text" in token)) return token;
  return { ...token, text: String(token.text).replace(TASK_PREFIX, "") } as Token;
}

const Item = memo(function Item({ item, links, growing, depth }: ItemProps) {
  const children = item.tokens.filter((token) => token.type !== "checkbox" && token.type !== "space");
  return (
    <li className={item.task ? "md-task" : undefined}>
      {item.task ? <TaskMark isDone={item.checked === true} /> : null}
      {children.map((token, index) => (
        <Block
          key={index}
          token={withoutTaskMarker(token, item, index)}
          links={links}
          growing={growing && index === children.length - 1}
          depth={depth + 1}
        />
      ))}
    </li>
  );
}, isSameItem);

/** A block of a message is written in the direction of its first letter; what is inside it follows. */
const directionAt = (depth: number) => (depth === 0 ? "auto" : undefined);

function showList(list: Tokens.List, shared: Shared): ReactNode {
  const dir = directionAt(shared.depth);
  const items = list.items.map((item, index) => (
    <Item
      key={index}
      item={item}
      links={shared.links}
      depth={shared.depth}
      growing={shared.growing && index === list.items.length - 1}
    />
  ));
  if (!list.ordered) return <ul dir={dir}>{items}</ul>;
  const start = typeof list.start === "number" && list.start !== 1 ? list.start : undefined;
  return (
    <ol start={start} dir={dir}>
      {items}
    </ol>
  );
}

function showQuote(quote: Tokens.Blockquote, shared: Shared): ReactNode {
  const children = quote.tokens.filter((token) => token.type !== "space");
  return (
    <blockquote dir={directionAt(shared.depth)}>
      {children.map((token, index) => (
        <Block
          key={index}
          token={token}
          links={shared.links}
          growing={shared.growing && index === children.length - 1}
          depth={shared.depth + 1}
        />
      ))}
    </blockquote>
  );
}

function showHeading(heading: Tokens.Heading, { links, growing, depth }: Shared): ReactNode {
  const level = Math.min(heading.depth + HEADING_OFFSET, 6);
  return createElement(
    `h${level}`,
    { className: `md-h${heading.depth}`, dir: directionAt(depth) },
    <Inline source={heading.text} links={links} growing={growing} />,
  );
}

function showBlock(token: Token, shared: Shared): ReactNode {
  const { links, growing, depth } = shared;
  if (depth > DEEPEST) return <p>{token.raw}</p>;
  switch (token.type) {
    case "heading":
      return showHeading(token as Tokens.Heading, shared);
    case "code":
      return showCode(token as Tokens.Code, growing);
    case "list":
      return showList(token as Tokens.List, shared);
    case "blockquote":
      return showQuote(token as Tokens.Blockquote, shared);
    case "table":
      return <Table token={token as Tokens.Table} links={links} growing={growing} />;
    case "hr":
      return <hr />;
    case "math":
      return <Formula source={(token as MathToken).text} display />;
    case "mathPending":
      return <p className="md-formula-source">{token.raw}</p>;
    case "def":
    case "space":
      return null;
    default:
      return (
        <p dir={directionAt(depth)}>
          <Inline source={(token as Tokens.Paragraph).text} links={links} growing={growing} />
        </p>
      );
  }
}

function textOf(token: Token): unknown {
  return "text" in token ? token.text : undefined;
}

function isSameToken(before: Token, after: Token): boolean {
  if (before === after) return true;
  return before.type === after.type && before.raw === after.raw && textOf(before) === textOf(after);
}

function isSameBlock(before: BlockProps, after: BlockProps): boolean {
  return (
    isSameToken(before.token, after.token) &&
    before.growing === after.growing &&
    (before.links === after.links || !after.token.raw.includes("["))
  );
}

/** One block of a message; shown anew only when it changed. */
export const Block = memo(function Block({ token, links, growing, depth = 0 }: BlockProps) {
  return showBlock(token, { links, growing, depth });
}, isSameBlock);
