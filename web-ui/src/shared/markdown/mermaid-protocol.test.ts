import { describe, expect, it } from "vitest";
import { PALETTE_NAMES, readAnswer, readRequest } from "./mermaid-protocol";

const palette = Object.fromEntries(PALETTE_NAMES.map((name) => [name, "#123456"]));
const request = { type: "quarterdeck.draw", nonce: "n", source: "graph TD", theme: "dark", palette };

describe("what the page and the frame of diagrams say to each other", () => {
  it("is read when it is whole", () => {
    expect(readRequest(request)).toEqual(request);
    expect(readAnswer({ type: "quarterdeck.drawn", nonce: "n", width: 10, height: 20, more: 1 })).toEqual({
      type: "quarterdeck.drawn",
      nonce: "n",
      width: 10,
      height: 20,
    });
  });

  it.each([
    [null],
    ["text"],
    [{}],
    [{ ...request, type: "other" }],
    [{ ...request, theme: "pink" }],
    [{ ...request, source: 1 }],
    [{ ...request, palette: { ...palette, ink: "red;} * {" } }],
  ])("is no request when anything is amiss: %j", (message) => {
    expect(readRequest(message)).toBeNull();
  });

  it.each([
    [undefined],
    [{ type: "quarterdeck.drawn", nonce: "n", width: -1, height: 2 }],
    [{ type: "quarterdeck.drawn", nonce: "n", width: 1, height: 1e9 }],
    [{ type: "quarterdeck.drawn", nonce: "n", width: Number.NaN, height: 2 }],
    [{ type: "quarterdeck.drawn", width: 1, height: 2 }],
    [{ type: "quarterdeck.failed", nonce: "n", message: {} }],
  ])("is no answer when anything is amiss: %j", (message) => {
    expect(readAnswer(message)).toBeNull();
  });
});
