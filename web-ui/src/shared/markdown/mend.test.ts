import { describe, expect, it } from "vitest";
import { completeTable, holdBackMarker, mendInline, PENDING_ADDRESS } from "./mend";

describe("the end of a paragraph that is still being written", () => {
  it.each([
    ["plain words stay as they are", "a & b", "a & b"],
    ["half a bold passage is bold", "so **very im", "so **very im**"],
    ["stars without words wait", "so **", "so"],
    ["half of the closing stars are not shown", "so **very*", "so **very**"],
    ["a finished bold passage is left alone", "**a** and b", "**a** and b"],
    ["bold inside italics closes from the inside out", "*a **b", "*a **b***"],
    ["a star between numbers is a product", "2*3 and 4", "2*3 and 4"],
    ["a star with spaces around is a star", "2 * 3", "2 * 3"],
    ["an underscore inside a word is part of the word", "snake_case_na", "snake_case_na"],
    ["struck text is closed", "~~old pri", "~~old pri~~"],
    ["half a piece of code is code", "use `npm ru", "use `npm ru`"],
    ["a code mark without code waits", "use `", "use"],
    ["stars in code mean nothing", "`**` and more", "`**` and more"],
    ["stars in half a piece of code mean nothing", "`a ** b", "`a ** b`"],
    ["an escape waits for what it escapes", "costs \\", "costs"],
    ["an escaped star is a star", "\\*not bold", "\\*not bold"],
    ["a formula's stars and underscores mean nothing", "$a_1*b_2$ and", "$a_1*b_2$ and"],
    ["half a formula is left to be shown as it is", "so \\(a_b", "so \\(a_b"],
    ["half a formula inside bold waits", "**so \\(a", "**so**"],
    ["an address in angle brackets waits for its end", "see <https://exam", "see"],
    ["a note's number is no link", "as said [1", "as said [1"],
    ["a closed pair of brackets is only brackets", "an [aside] here", "an [aside] here"],
  ])("%s", (_, source, mended) => {
    expect(mendInline(source)).toBe(mended);
  });

  it.each([
    ["[the docs", "[the docs]"],
    ["see [the docs]", "see [the docs]"],
    ["see [the docs](", "see [the docs]"],
    ["see [the docs](https://exam", "see [the docs]"],
    ["see [the **docs", "see [the **docs**]"],
    ["![a boat](https://exam", "![a boat]"],
  ])("half a link shows its words: %s", (source, shown) => {
    expect(mendInline(source)).toBe(`${shown}(${PENDING_ADDRESS})`);
  });

  it("closes the emphasis around half a link", () => {
    expect(mendInline("**see [docs](htt")).toBe(`**see [docs](${PENDING_ADDRESS})**`);
  });
});

describe("the last line of a growing text", () => {
  it.each(["-", "- ", "12.", "##", "> ", "```", "```pyth", "---", "***", "|", "- [", "- [x]", "  * ", "> -", "==="])(
    "waits while it is only the mark of something to come: %j",
    (line) => {
      expect(holdBackMarker(`before\n${line}`)).toBe("before\n");
    },
  );

  it.each(["- a", "12. b", "# c", "word", "a -", "| a", "- [x] d", "`code"])("is shown once it says something: %j", (line) => {
    expect(holdBackMarker(`before\n${line}`)).toBe(`before\n${line}`);
  });
});

describe("a table that has just begun", () => {
  it.each([
    ["| a", "| a |\n| --- |"],
    ["| a | b", "| a | b |\n| --- | --- |"],
    ["| a | b |", "| a | b |\n| --- | --- |"],
    ["| a | b |\n|--", "| a | b |\n| --- | --- |"],
    ["text\n\n| a |", "text\n\n| a |\n| --- |"],
  ])("is a table from its first bar: %j", (source, completed) => {
    expect(completeTable(source)).toBe(completed);
  });

  it.each(["a | b", "| a |\n| 1 |", "text"])("leaves other text alone: %j", (source) => {
    expect(completeTable(source)).toBe(source);
  });
});
