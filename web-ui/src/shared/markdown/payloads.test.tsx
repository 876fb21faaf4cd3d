import { act, render, waitFor } from "@testing-library/react";
import { beforeAll, describe, expect, it } from "vitest";
import "@/shared/i18n/i18n";
import { findHighlighter } from "./highlight";
import { Markdown } from "./markdown";
import { CANARY, PAYLOADS } from "./payloads";

const FORBIDDEN = "script, object, embed, link, meta, base, style, form, input, video, audio, source, track, template, portal, frame, frameset, image, use, animate, set, foreignObject, img";
const ADDRESS_ATTRIBUTES = ["href", "xlink:href", "src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "srcdoc"];

/** What is wrong with the document, in words; empty when nothing is. */
function findFaults(root: ParentNode): string[] {
  const faults = [...root.querySelectorAll(FORBIDDEN)].map((element) => `<${element.localName}>`);
  for (const element of root.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) faults.push(...findAttributeFaults(element, name, value));
  }
  return faults;
}

function findAttributeFaults(element: Element, name: string, value: string): string[] {
  if (/^on/i.test(name)) return [`${element.localName} ${name}`];
  if (name === "style" && /url|expression|import/i.test(value)) return [`style ${value}`];
  if (element.localName === "iframe") {
    if (name === "src" && value !== "/sandbox/mermaid") return [`iframe ${value}`];
    if (name === "sandbox" && value !== "allow-scripts") return [`sandbox ${value}`];
    return [];
  }
  if (!ADDRESS_ATTRIBUTES.includes(name)) return [];
  const isQuietLink = element.localName === "a" && name === "href" && /^(https?:\/\/|mailto:)/.test(value);
  return isQuietLink && element.getAttribute("rel") === "noopener noreferrer" ? [] : [`${element.localName} ${name}=${value}`];
}

/** Everything that is fetched on demand, so that formulas and code are really set. */
async function fetchParts(): Promise<void> {
  await Promise.all(["html", "js", "svg", "xml"].map((language) => findHighlighter(language)?.load()));
  const { container } = render(<Markdown text="$$x$$" />);
  await waitFor(() => expect(container.querySelector("math")).not.toBeNull());
}

const STREAMED = PAYLOADS.filter(({ text }, index) => text.length < 200 && index % 5 === 0);

describe("hostile answers", () => {
  beforeAll(fetchParts);

  it("are at least two hundred, and of every kind", () => {
    expect(new Set(PAYLOADS.map(({ text }) => text)).size).toBeGreaterThanOrEqual(200);
    expect(new Set(PAYLOADS.map(({ kind }) => kind)).size).toBe(7);
  });

  it.each(PAYLOADS)("run nothing and fetch nothing when shown whole ($kind: $text)", async ({ text }) => {
    const { container } = render(<Markdown text={text} />);
    await act(async () => {
      await Promise.resolve();
    });
    expect(findFaults(container)).toEqual([]);
    expect(findFaults(document.head)).toEqual([]);
  });

  it.each(STREAMED)("run nothing and fetch nothing at any moment while streamed ($kind: $text)", ({ text }) => {
    const { container, rerender } = render(<Markdown text="" streaming />);
    for (let length = 1; length <= text.length; length += 1) {
      rerender(<Markdown text={text.slice(0, length)} streaming />);
      expect(findFaults(container), text.slice(0, length)).toEqual([]);
    }
  });

  it("are recognised as hostile by this very test when the browser reads them as HTML", () => {
    const caught = PAYLOADS.filter(({ kind, text }) => {
      const page = new DOMParser().parseFromString(`<body>${text}`, "text/html");
      return kind === "html" && findFaults(page).length > 0;
    });
    expect(caught.length).toBeGreaterThan(60);
  });

  it("never name the outside in anything that a browser fetches by itself", () => {
    const all = PAYLOADS.map(({ text }) => text).join("\n\n");
    const { container } = render(<Markdown text={all} />);
    const fetched = [...container.querySelectorAll("[src], [srcset], [poster], [data], [background]")];
    expect(fetched.filter((element) => element.outerHTML.includes(CANARY))).toEqual([]);
  });

  it("are the same as those that the browser test reads", async () => {
    const fixture = `${JSON.stringify({ canary: CANARY, payloads: PAYLOADS }, null, 1)}\n`;
    await expect(fixture).toMatchFileSnapshot("../../../../tests/fixtures/payloads.json");
  });
});
