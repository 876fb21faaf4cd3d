import { afterEach, describe, expect, it, vi } from "vitest";

import { answerByItself, askedFor, fill, findVariables } from "@/shared/snippets/fill";

const NOON = new Date("2026-11-28T12:05:00");

afterEach(() => vi.unstubAllGlobals());

describe("a snippet's variables", () => {
  it("are found once each, in order, with the first default", () => {
    expect(findVariables("{{to}}, {{ what : the news }} and {{to:Ann}}; {{what:other}}")).toEqual([
      { name: "to", preset: "Ann" },
      { name: "what", preset: "the news" },
    ]);
  });

  it("may have defaults with colons and lines", () => {
    expect(findVariables("{{when:at 9:30\nsharp}}")).toEqual([{ name: "when", preset: "at 9:30\nsharp" }]);
  });

  it.each(["{{}}", "{{:x}}", "{ {a} }", "{{a", "a}}", "{{a{b}}", "function () { return {}; }"])("are none in %j", (text) => {
    expect(findVariables(text)).toEqual([]);
    expect(fill(text, new Map([["a", "1"]]))).toBe(text);
  });

  it("are asked for, other than those that answer themselves", () => {
    expect(askedFor("{{date}} {{time}} {{clipboard}} {{who}}").map(({ name }) => name)).toEqual(["who"]);
  });

  it("know the day and the time", async () => {
    const values = await answerByItself("On {{date}} at {{time}}", NOON, "en-GB");
    expect(fill("On {{date}} at {{time}}", values)).toBe("On 28 November 2026 at 12:05");
  });

  it("take what was copied, if they may", async () => {
    vi.stubGlobal("navigator", { clipboard: { readText: () => Promise.resolve("copied") } });
    expect(await answerByItself("{{clipboard}}", NOON, "en")).toEqual(new Map([["clipboard", "copied"]]));
    vi.stubGlobal("navigator", { clipboard: { readText: () => Promise.reject(new Error("not allowed")) } });
    expect(await answerByItself("{{clipboard}}", NOON, "en")).toEqual(new Map());
  });

  it("are filled everywhere, and what is filled in is not read again", () => {
    const values = new Map([["a", "{{b}} $& $1"], ["b", "no"]]);
    expect(fill("{{a}} {{a:x}} {{c}}", values)).toBe("{{b}} $& $1 {{b}} $& $1 {{c}}");
  });
});
