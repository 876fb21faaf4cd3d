import { describe, expect, it } from "vitest";

import { findPlace, nearestEnd } from "@/features/conversation/find-place";

function render(html: string): HTMLElement {
  return new DOMParser().parseFromString(html, "text/html").body;
}

describe("findPlace", () => {
  it("finds the character behind Markdown's marks", () => {
    const root = render("<h2>Plan</h2><p>A <strong>bold</strong> start and a calm end.</p>");
    const range = findPlace(root, "## Plan\n\nA **bold** start and");
    expect(range?.toString()).toBe("d");
    expect(range?.startContainer.textContent).toBe(" start and a calm end.");
    expect(range?.endOffset).toBe(" start and".length);
  });

  it("takes the nearest of several equal places", () => {
    expect(nearestEnd("abcdabcdabcd", "abcdabcd")).toBe(7);
  });

  it("says so when the words are not there", () => {
    expect(findPlace(render("<p>something else</p>"), "quite different words")).toBeNull();
    expect(findPlace(render("<p>x</p>"), "")).toBeNull();
  });
});
