import { Component, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { Block } from "./block";
import type { GrowingEnd } from "./growing-end";
import { NO_BLOCKS, splitBlocks, type Blocks } from "./split-blocks";
import "./markdown.css";

type PlainProps = { text: string; children: ReactNode };

/** What cannot be shown as Markdown is shown as the text that it is. */
class PlainOnFailure extends Component<PlainProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <p className="md-plain">{this.props.text}</p> : this.props.children;
  }
}

/** The blocks of a text that grows, read on from where they were. */
function useBlocks(text: string, growing: boolean): Blocks {
  const [kept, setKept] = useState(NO_BLOCKS);
  const blocks = splitBlocks(kept, text, growing);
  if (blocks !== kept) setKept(blocks);
  return blocks;
}

type MarkdownProps = {
  text: string;
  /** The text still grows at its end. */
  streaming?: boolean;
  /** Learns where the text ends on the page, so that words may be added to it there. */
  end?: GrowingEnd;
  /** Keep the line ends as they were typed, for what a person wrote. */
  keepsLines?: boolean;
};

function MarkdownBlocks({ text, streaming = false, end, keepsLines = false }: MarkdownProps) {
  const root = useRef<HTMLDivElement>(null);
  const blocks = useBlocks(text, streaming);
  const { settled, tail, links, growing } = blocks;
  useLayoutEffect(() => {
    if (root.current) end?.note(root.current, blocks);
  }, [end, blocks]);
  const shown = [...settled, ...tail];
  return (
    <div ref={root} className={keepsLines ? "md md-keeps-lines" : "md"}>
      {shown.map((token, index) => (
        <Block key={index} token={token} links={links} growing={growing && index === shown.length - 1} />
      ))}
    </div>
  );
}

/**
 * A message's Markdown as elements: no HTML passes, nothing is fetched from outside, links ask before they
 * lead away. A growing text costs as much as its last blocks.
 */
export function Markdown(props: MarkdownProps) {
  return (
    <PlainOnFailure text={props.text}>
      <MarkdownBlocks {...props} />
    </PlainOnFailure>
  );
}
