import { render } from "@testing-library/react";
import { expect, it } from "vitest";
import "@/shared/i18n/i18n";
import { GrowingEnd } from "./growing-end";
import { Markdown } from "./markdown";
import { PAYLOADS } from "./payloads";
import { SAMPLE } from "./sample";

const TRICKY = [
  "See www.example.org and https://example.org/a, or write to ann@example.org now.",
  "She said **very good things** and *left* it; snake_case_name stays, 2 * 3 * 4 too.",
  "A [1] note, a [box], an [open one that goes on, and [a link](https://example.org/a b) behind it.",
  "It costs $5 and $10, or $x + y$ and \\(a\\) in all; \\*not\\* emphasis &amp; &lt; so on.",
  "Total: 20\n\n20 more, and\n20. one more\n- a\n- b and words\n\n1. one\n2. two and more",
  "```py\nx = 1\n  `y`\n\n# three\n```\nand words after it\n\n    indented code\n",
  "| a | b |\n|---|---|\n| one thing | two |\n| three\nwords after",
  "# A heading of words\nTitle of words\n---\n> quoted words\n> and more `code` in it\nlazy words",
  "一行没有空格的文字，然后继续写下去。www.例子 和 more",
  "[foo]: https://example.org words\n\nUses [foo] here, and <b>tags</b> and <https://example.org> too.",
];

type Page = { container: HTMLElement; show: (text: string, end?: GrowingEnd, streaming?: boolean) => void };

function open(): Page {
  const { container, rerender } = render(<Markdown text="" streaming />);
  const show = (text: string, end?: GrowingEnd, streaming = true) =>
    rerender(<Markdown text={text} streaming={streaming} {...(end ? { end } : {})} />);
  return { container, show };
}

/** What is seen: elements and words; blanks at the end are not. */
function seen({ container }: Page): string {
  const elements = [...container.querySelectorAll("*")].map((element) => `${element.tagName}.${element.className}`);
  return `${elements.join(" ")}\n${container.textContent.trimEnd()}`;
}

/** Shows ever more of `text`, and what is seen must be what is seen when each beginning is read; the share of those not read. */
function grow(text: string, step: number): number {
  const end = new GrowingEnd();
  const [grown, read] = [open(), open()];
  const lengths = Array.from({ length: Math.ceil(text.length / step) }, (_, index) => (index + 1) * step);
  const added = lengths.filter((length) => {
    const source = text.slice(0, length);
    const isAdded = end.extend(source);
    if (!isAdded) {
      end.restore();
      grown.show(source, end);
    }
    read.show(source);
    expect(seen(grown), source).toBe(seen(read));
    return isAdded;
  });
  end.restore();
  grown.show(text, end, false);
  read.show(text, undefined, false);
  expect(grown.container.textContent).toBe(read.container.textContent);
  return added.length / lengths.length;
}

it.each(TRICKY)("words that are only added look as if all had been read: %s", (text) => {
  for (const step of [1, 4]) grow(text, step);
});

it("most of an answer is only added to", () => {
  const prose = "The harbour lay still under a thin mist while the crew wrote the day into the log. ".repeat(4);
  expect(grow(prose, 5)).toBeGreaterThan(0.9);
  expect(grow(SAMPLE.slice(0, 1_500), 11)).toBeGreaterThan(0.3);
});

it("nothing hostile is only added", () => {
  for (const payload of PAYLOADS.slice(0, 40)) grow(`Words ${payload.text} and words`, 9);
});

it("gives back what was rendered, and begins again with what is rendered next", () => {
  const end = new GrowingEnd();
  const { container, rerender } = render(<Markdown text="Some words" streaming end={end} />);
  expect(end.extend("Some words more")).toBe(true);
  expect(container.textContent).toBe("Some words more");
  expect(end.extend("Some words *")).toBe(false);
  end.restore();
  expect(container.textContent).toBe("Some words");
  rerender(<Markdown text="Some words *and" streaming end={end} />);
  expect(container.querySelector("em")).toHaveTextContent("and");
});
