import { render } from "@testing-library/react";
import { bench, describe } from "vitest";

import { Markdown } from "../src/shared/markdown/markdown";
import { SAMPLE } from "../src/shared/markdown/sample";
import { NO_BLOCKS, splitBlocks, type Blocks } from "../src/shared/markdown/split-blocks";

/**
 * What one update costs near the end of a 20,000-character message: `npx vitest bench --run`. The reading of
 * the text is pure; the rendering here is in jsdom, slower than a browser.
 */
const PROSE = SAMPLE.replace(/```mermaid[\s\S]*?```/, "");
const MESSAGES: Record<string, string> = {
  "headings, tables, code": PROSE.repeat(Math.ceil(20_000 / PROSE.length)).slice(0, 20_000),
  "one list": Array.from({ length: 500 }, (_, index) => `- item ${index} with **bold** and \`code\``).join("\n"),
  "one block of code": `\`\`\`python\n${"total = total + step  # the next one\n".repeat(540)}`,
  "one paragraph": "The light over the river is **best** in the last hour of the day. ".repeat(300),
};

const STEP = 4;
const UPDATES = 200;

/** The text grows by a token at a time near its end, again and again. */
function lengths(text: string): () => number {
  let update = 0;
  return () => text.length - UPDATES * STEP + (update++ % UPDATES) * STEP;
}

for (const [name, text] of Object.entries(MESSAGES)) {
  describe(`20,000 characters: ${name}`, () => {
    const start: Blocks = splitBlocks(NO_BLOCKS, text.slice(0, text.length - UPDATES * STEP), true);
    const nextRead = lengths(text);
    let blocks = start;
    bench("reading one token more", () => {
      const length = nextRead();
      blocks = splitBlocks(length === start.text.length ? start : blocks, text.slice(0, length), true);
    });

    const nextShown = lengths(text);
    const { rerender } = render(<Markdown text={start.text} streaming />);
    bench("reading and showing one token more", () => {
      rerender(<Markdown text={text.slice(0, nextShown())} streaming />);
    });
  });
}
