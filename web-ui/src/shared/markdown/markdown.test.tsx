import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import "@/shared/i18n/i18n";
import { findColouredLength } from "./code-block";
import { findHighlighter } from "./highlight";
import { Markdown } from "./markdown";
import { SAMPLE } from "./sample";

function show(text: string, streaming = false): HTMLElement {
  return render(<Markdown text={text} streaming={streaming} />).container;
}

function textOf(markdown: string, streaming = false): string {
  return show(markdown, streaming).textContent ?? "";
}

describe("Markdown", () => {
  it("sets headings below those of the page", () => {
    show("# One\n\n## Two");
    expect(screen.getByRole("heading", { name: "One", level: 3 })).toBeInTheDocument();
    expect(screen.getByRole("heading", { name: "Two", level: 4 })).toBeInTheDocument();
  });

  it("sets nested lists, counts on from where the writer began, and marks tasks", () => {
    const page = show("3. a\n   - b\n4. c\n\n- [x] d\n- [ ] e");
    expect(page.querySelector("ol")).toHaveAttribute("start", "3");
    expect(page.querySelector("ol li ul li")).toHaveTextContent("b");
    expect(screen.getByRole("img", { name: "done" }).closest("li")).toHaveTextContent("d");
    expect(screen.getByRole("img", { name: "not done" }).closest("li")).toHaveTextContent("e");
  });

  it("marks the tasks of a loose list, too", () => {
    expect(textOf("- [x] a\n\n- [ ] b")).toBe("ab");
  });

  it("aligns the columns of a table", () => {
    show("| a | b |\n|---|--:|\n| 1 | 2 |");
    expect(screen.getByRole("columnheader", { name: "b" })).toHaveClass("md-align-right");
    expect(screen.getByRole("cell", { name: "2" })).toHaveClass("md-align-right");
  });

  it("shows HTML as the text that it is, but breaks lines at <br>", () => {
    const page = show("a <b onclick=x>b</b><br>c");
    expect(page).toHaveTextContent("a <b onclick=x>b</b>c");
    expect(page.querySelectorAll("br")).toHaveLength(1);
  });

  it("leads from a citation to the message that it rests on", async () => {
    const ask = vi.fn((_path: string) => Promise.resolve(Response.json({ conversation: "c7" })));
    vi.stubGlobal("fetch", ask);
    expect(textOf("You asked for tea [[m:01abc]].")).toBe("You asked for tea .");
    fireEvent.click(screen.getByRole("button", { name: "Go to what this rests on" }));
    await waitFor(() => expect(location.hash).toBe("#m-01abc"));
    expect(location.pathname).toBe("/c/c7");
    expect(ask).toHaveBeenCalledWith("/api/messages/01abc", expect.anything());
    vi.unstubAllGlobals();
  });

  it("holds back a citation until it is whole", () => {
    for (const begun of ["[", "[[", "[[m", "[[m:", "[[m:01ab", "[[m:01abc]"]) expect(textOf(`Tea. ${begun}`, true)).toBe("Tea.");
  });

  it("reads character references once", () => {
    expect(textOf("AT&amp;T &lt;b&gt; &amp;lt; &#8364; &nosuch;")).toBe("AT&T <b> &lt; € &nosuch;");
  });

  it("shows footnotes as they were written", () => {
    const page = show("Yes[^1], and [no].\n\n[^1]: Lisbon\n\n[no]: https://example.org");
    expect(page).toHaveTextContent("Yes[^1], and no.");
    expect(page).toHaveTextContent("[^1]: Lisbon");
    expect(page).not.toHaveTextContent("[no]:");
  });

  it("keeps the lines of what a person typed", () => {
    const { container } = render(<Markdown text={"a\nb"} keepsLines />);
    expect(container.firstElementChild).toHaveClass("md-keeps-lines");
  });

  it("shows what cannot be read as it is", () => {
    expect(show(">".repeat(20_000)).querySelector("pre")?.textContent).toHaveLength(20_000);
  });
});

describe("formulas", () => {
  it("are set as MathML without styles", async () => {
    const page = show("so $\\frac{1}{2}$ and\n\n$$\n\\sqrt{x}\n$$");
    await waitFor(() => expect(page.querySelectorAll("math")).toHaveLength(2));
    expect(page.querySelector("mfrac")).not.toBeNull();
    expect(page.querySelector("math[display=block] msqrt")).not.toBeNull();
    expect(page.querySelector("[style], annotation")).toBeNull();
  });

  it.each(["costs $5 and $10", "US$5 or 6 US$", "$5 bills, or 10$ in all", "$HOME/$PATH", "a $ b $ c"])(
    "are not seen in prices: %s",
    (text) => {
      const page = show(text);
      expect(page).toHaveTextContent(text);
      expect(page.querySelector(".md-formula")).toBeNull();
    },
  );

  it.each(["$x$", "$5$", "$2x + 1$", "the $n$th", "\\(a\\)", "\\[a\\]", "$$a$$", "- $a_1*b_2*c$"])("are seen in %s", (text) => {
    expect(show(text).querySelectorAll(".md-formula")).toHaveLength(1);
  });

  it("that cannot be set are shown as they were written, with the reason", async () => {
    show("$\\frac{1$");
    await waitFor(() => expect(screen.getByTitle(/cannot be set/)).toHaveTextContent("\\frac{1"));
  });

  it("that ask for too much are refused", async () => {
    show("\\(\\def\\a{\\a\\a}\\a\\)");
    await waitFor(() => expect(screen.getByTitle(/Too many expansions/)).toBeInTheDocument());
  });
});

describe("code", () => {
  it("is coloured once its language has arrived, and its text stays exact", async () => {
    const code = "def f(x):\n    return '<b>' # &amp;\n";
    const page = show(`\`\`\`py\n${code}\`\`\``);
    await waitFor(() => expect(page.querySelector(".hljs-keyword")).toHaveTextContent("def"));
    expect(page.querySelector("pre")?.textContent).toBe(code.trimEnd());
    expect(page.querySelector(".md-language")).toHaveTextContent("py");
  });

  it("of an unknown language is plain", () => {
    expect(findHighlighter("nosuch")).toBeNull();
    expect(findHighlighter("__proto__")).toBeNull();
    expect(show("```nosuch\na\n```").querySelector("pre")).toHaveTextContent("a");
  });

  it("is copied as it was written", async () => {
    const writeText = vi.fn().mockResolvedValue(undefined);
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
    show("```\na  b\n```");
    fireEvent.click(screen.getByRole("button", { name: "Copy the code" }));
    expect(await screen.findByText("Copied")).toBeInTheDocument();
    expect(writeText).toHaveBeenCalledWith("a  b");
    vi.unstubAllGlobals();
  });

  it("that grows is coloured by whole lines, in larger steps when it is long", () => {
    expect(findColouredLength("a\nb")).toBe(2);
    expect(findColouredLength("a\n".repeat(100))).toBe(192);
    expect(findColouredLength("a\n".repeat(2_000))).toBe(0);
  });
});

describe("links and pictures", () => {
  it("ask before they lead outside, with the full address", () => {
    show("[the docs](https://example.org/a?b=c)");
    const link = screen.getByRole("link", { name: "the docs" });
    expect(link).toHaveAttribute("rel", "noopener noreferrer");
    expect(fireEvent.click(link)).toBe(false);
    const dialog = screen.getByRole("dialog");
    expect(dialog).toHaveTextContent("https://example.org/a?b=c");
    expect(within(dialog).getByRole("link", { name: "Open" })).toHaveAttribute("href", "https://example.org/a?b=c");
    fireEvent.click(within(dialog).getByRole("button", { name: "Stay here" }));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("ask on the middle button as well", () => {
    show("[x](https://example.org)");
    const event = new MouseEvent("auxclick", { bubbles: true, cancelable: true, button: 1 });
    act(() => void screen.getByRole("link").dispatchEvent(event));
    expect(event.defaultPrevented).toBe(true);
    expect(screen.getByRole("dialog")).toBeInTheDocument();
  });

  it("say when their words name another place", () => {
    show("[bank.example](https://evil.example/login)");
    fireEvent.click(screen.getByRole("link"));
    expect(screen.getByRole("dialog")).toHaveTextContent("The words of the link say bank.example");
  });

  it("show the host in the letters that it really has", () => {
    show("[x](https://\u0430pple.com)");
    fireEvent.click(screen.getByRole("link"));
    expect(screen.getByRole("dialog")).toHaveTextContent("xn--pple-43d.com");
  });

  it("with an address that is not allowed are only words", () => {
    show("[x](javascript:alert(1)) [y](/api/sign-out)");
    expect(screen.queryByRole("link")).toBeNull();
  });

  it("never fetch a picture from outside", () => {
    const page = show("![a boat](https://example.org/a.png)");
    expect(page.querySelector("img")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "picture: a boat" }));
    expect(screen.getByRole("dialog")).toHaveTextContent("https://example.org/a.png");
  });
});

describe("a text that is still being written", () => {
  it("never shows marks that will vanish", () => {
    const text = "So **very good**, see [the docs](https://example.org/a) and `code`.\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n# End\n\n```py\nx\n```\n";
    const { container, rerender } = render(<Markdown text="" streaming />);
    for (let length = 1; length <= text.length; length += 1) {
      rerender(<Markdown text={text.slice(0, length)} streaming />);
      expect(container.textContent, text.slice(0, length)).not.toMatch(/[*`[\]|#]|https/);
    }
  });

  it("keeps the elements of what was shown", () => {
    const { container, rerender } = render(<Markdown text="" streaming />);
    let before: Element[] = [];
    for (let length = 1; length <= SAMPLE.length; length += 11) {
      rerender(<Markdown text={SAMPLE.slice(0, length)} streaming />);
      const shown = [...(container.firstElementChild?.children ?? [])];
      before.slice(0, -2).forEach((element, index) => expect(shown[index]).toBe(element));
      before = shown;
    }
    rerender(<Markdown text={SAMPLE} />);
    const shown = [...(container.firstElementChild?.children ?? [])];
    before.slice(0, -2).forEach((element, index) => expect(shown[index]).toBe(element));
    expect(shown.length).toBeGreaterThan(15);
  });

  it("ends as if it had been shown whole", () => {
    const { container, rerender } = render(<Markdown text="" streaming />);
    for (let length = 0; length <= SAMPLE.length; length += 23) rerender(<Markdown text={SAMPLE.slice(0, length)} streaming />);
    rerender(<Markdown text={SAMPLE} />);
    expect(container.textContent).toBe(show(SAMPLE).textContent);
  });

  it("shows an open fence as code, and half a formula as it was typed", () => {
    expect(show("```py\nx = 1", true).querySelector("pre")).toHaveTextContent("x = 1");
    const page = show("so\n\n$$\n\\frac{a_1}{b_2", true);
    expect(page.querySelector(".md-formula-source")).toHaveTextContent("\\frac{a_1}{b_2");
    expect(page.querySelector("em")).toBeNull();
  });

  it("draws a diagram only when its fence is closed", () => {
    expect(show("```mermaid\ngraph TD\n", true).querySelector("iframe")).toBeNull();
    const frame = show("```mermaid\ngraph TD\n```\n", true).querySelector("iframe");
    expect(frame).toHaveAttribute("sandbox", "allow-scripts");
    expect(frame).toHaveAttribute("src", "/sandbox/mermaid");
  });
});
