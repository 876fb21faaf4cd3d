import type { Token } from "marked";
import { describe, expect, it } from "vitest";
import { SAMPLE } from "./sample";
import { NO_BLOCKS, splitBlocks, type Blocks } from "./split-blocks";

function shownOf(blocks: Blocks): Token[] {
  return [...blocks.settled, ...blocks.tail];
}

function grow(text: string, lengths: Iterable<number>): Blocks {
  let blocks = NO_BLOCKS;
  for (const length of lengths) blocks = splitBlocks(blocks, text.slice(0, length), true);
  return blocks;
}

function everyLength(text: string): number[] {
  return Array.from({ length: text.length + 1 }, (_, length) => length);
}

/** A small generator with a seed, so that a failure can be repeated. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const PIECES = [
  "# Title\n", "words ", "more words\n", "\n", "- item\n", "  - inner\n", "1. one\n", "> quote\n", "```py\n", "```\n", "x = 1\n", "| a | b |\n",
  "|---|---|\n", "| 1 | 2 |\n", "---\n", "$$\n", "\\[x\\]\n", "**b** ", "[a](http://b.c) ", "[a]: http://b.c\n", "<div>\n", "    code\n", "* x\n", "===\n",
];

function makeText(random: () => number): string {
  return Array.from({ length: 40 }, () => PIECES[Math.floor(random() * PIECES.length)]).join("");
}

describe("splitting a message into blocks", () => {
  it("gives the same blocks however the text arrived", () => {
    const whole = splitBlocks(NO_BLOCKS, SAMPLE, false);
    const streamed = splitBlocks(grow(SAMPLE, everyLength(SAMPLE)), SAMPLE, false);
    expect(streamed.settled.map((token) => token.raw)).toEqual(whole.settled.map((token) => token.raw));
    expect(streamed.settled.map((token) => token.type)).toEqual(whole.settled.map((token) => token.type));
  });

  it("keeps every settled block's identity while the text grows", () => {
    let blocks = NO_BLOCKS;
    for (const length of everyLength(SAMPLE)) {
      const next = splitBlocks(blocks, SAMPLE.slice(0, length), true);
      blocks.settled.forEach((token, index) => expect(next.settled[index]).toBe(token));
      blocks = next;
    }
    expect(blocks.settled.length).toBeGreaterThan(10);
  });

  it("settles almost everything before the end", () => {
    const blocks = grow(SAMPLE, everyLength(SAMPLE));
    expect(blocks.tail.length).toBeLessThanOrEqual(3);
  });

  it("ends, for any text in any pieces, with what the whole text gives", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = makeRandom(seed);
      const text = makeText(random);
      const lengths = everyLength(text).filter((length) => length === text.length || random() < 0.3);
      const streamed = splitBlocks(grow(text, lengths), text, false);
      const whole = splitBlocks(NO_BLOCKS, text, false);
      expect(streamed.settled, `seed ${seed}`).toEqual(whole.settled);
    }
  });

  it("seldom has to change a settled block at the end", () => {
    let settled = 0;
    let changed = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      const text = makeText(makeRandom(seed));
      const streamed = grow(text, everyLength(text));
      const whole = splitBlocks(NO_BLOCKS, text, false);
      settled += streamed.settled.length;
      changed += streamed.settled.filter((token, index) => token.raw !== whole.settled[index]?.raw).length;
    }
    expect(settled).toBeGreaterThan(200);
    expect(changed).toBe(0);
  });

  it.each([
    ["a long list", Array.from({ length: 60 }, (_, index) => `- item ${index}${index % 7 === 0 ? "\n  - inner\n\n  more" : ""}\n`).join("")],
    ["a long list with gaps", Array.from({ length: 60 }, (_, index) => `${index + 3}. item ${index}\n\n`).join("")],
    ["two long lists", `${"- a\n".repeat(30)}${"* b\n".repeat(30)}`],
    ["a long list and what follows", `${"- a\n".repeat(30)}lazy\n\n    code?\n\npara\n\n1. x\n`],
  ])("reads %s as the whole text reads", (_, text) => {
    let blocks = NO_BLOCKS;
    for (const length of everyLength(text)) {
      if (!text.slice(0, length).endsWith("\n")) continue;
      blocks = splitBlocks(blocks, text.slice(0, length), true);
      const fresh = splitBlocks(NO_BLOCKS, text.slice(0, length), true);
      const shape = (each: Blocks) => shownOf(each).map((token) => [token.type, token.raw, (token as { items?: unknown[] }).items?.length, (token as { start?: number }).start]);
      expect(shape(blocks), String(length)).toEqual(shape(fresh));
    }
    const whole = splitBlocks(NO_BLOCKS, text, false);
    expect(shownOf(blocks).map((token) => token.raw.trimEnd())).toEqual(whole.settled.map((token) => token.raw.trimEnd()));
  });

  it("begins anew when the text is another one", () => {
    const first = grow("one\n\ntwo\n\nthree\n\n", [20]);
    expect(shownOf(splitBlocks(first, "other", true)).map((token) => token.raw)).toEqual(["other"]);
  });

  it("reads all kinds of line ends", () => {
    const blocks = splitBlocks(NO_BLOCKS, "# a\r\n\r\nb\rc", false);
    expect(blocks.settled.map((token) => token.type)).toEqual(["heading", "paragraph"]);
  });

  it("knows the addresses that stand at the end of the text", () => {
    const blocks = grow("see [docs][d]\n\nmore\n\n[d]: https://a.b\n\nend\n", [40, 46]);
    expect(blocks.links.d?.href).toBe("https://a.b");
  });

  it.each([
    ["quotes", ">".repeat(20_000)],
    ["lists", Array.from({ length: 300 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n")],
    ["brackets", "[".repeat(20_000)],
    ["stars", "*a ".repeat(10_000)],
    ["code marks", "`".repeat(20_000)],
    ["dollars", "$a".repeat(10_000)],
    ["backslashes", "\\[".repeat(10_000)],
  ])("survives a text made of %s", (_, text) => {
    expect(shownOf(splitBlocks(grow(text.slice(0, -1), [text.length - 1]), text, true)).length).toBeGreaterThan(0);
    expect(splitBlocks(NO_BLOCKS, text, false).settled.length).toBeGreaterThan(0);
  });
});
