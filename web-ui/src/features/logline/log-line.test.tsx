import { fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import "@/shared/i18n/i18n";
import { findStops } from "./date-pill";
import { LogLine } from "./log-line";
import type { LogLineEntry } from "./types";

const START = new Date(2026, 10, 20, 9, 14).getTime();

const ENTRIES: LogLineEntry[] = Array.from({ length: 6 }, (_, index) => ({
  id: `m${index}`,
  at: START + index * 8 * 3_600_000,
  role: index % 2 === 0 ? "user" : "assistant",
  preview: `words of ${index}`,
  continued: index === 3,
  ideas: index === 5 ? 2 : 0,
}));

function show(activeId: string | null = "m2") {
  const onTravel = vi.fn();
  const { container } = render(<LogLine entries={ENTRIES} activeId={activeId} onTravel={onTravel} />);
  return { onTravel, container };
}

describe("the log line", () => {
  it("says where the reader is", () => {
    show();
    const slider = screen.getByRole("slider", { name: "Log of this conversation" });
    expect(slider).toHaveAttribute("aria-valuenow", "3");
    expect(slider).toHaveAttribute("aria-valuemax", "6");
    expect(slider.getAttribute("aria-valuetext")).toMatch(/Message 3 of 6\. You, .*words of 2/);
  });

  it.each([
    ["ArrowDown", "m3"],
    ["ArrowUp", "m1"],
    ["Home", "m0"],
    ["End", "m5"],
  ])("travels by %s", (key, id) => {
    const { onTravel } = show();
    fireEvent.keyDown(screen.getByRole("slider"), { key });
    expect(onTravel).toHaveBeenCalledExactlyOnceWith(id);
  });

  it("counts key presses on while the page is still on its way", () => {
    const { onTravel } = show();
    const slider = screen.getByRole("slider");
    fireEvent.keyDown(slider, { key: "ArrowDown" });
    fireEvent.keyDown(slider, { key: "ArrowDown" });
    expect(onTravel.mock.calls).toEqual([["m3"], ["m4"]]);
    expect(slider).toHaveAttribute("aria-valuenow", "5");
  });

  it("leaves other keys and shortcuts alone", () => {
    const { onTravel } = show();
    expect(fireEvent.keyDown(screen.getByRole("slider"), { key: "k", ctrlKey: true })).toBe(true);
    expect(fireEvent.keyDown(screen.getByRole("slider"), { key: "ArrowDown", altKey: true })).toBe(true);
    expect(onTravel).not.toHaveBeenCalled();
  });

  it("travels where it is pressed, and on while it is dragged", () => {
    const { onTravel } = show();
    const slider = screen.getByRole("slider");
    fireEvent.pointerMove(slider, { clientY: 0 });
    expect(onTravel).not.toHaveBeenCalled();
    fireEvent.pointerDown(slider, { button: 0, clientY: 0 });
    fireEvent.pointerMove(slider, { clientY: 590 });
    fireEvent.pointerUp(slider);
    fireEvent.pointerMove(slider, { clientY: 0 });
    expect(onTravel.mock.calls).toEqual([["m0"], ["m5"]]);
  });

  it("shows the time, the first words and what was special under the pointer", () => {
    const { container } = show();
    fireEvent.pointerMove(screen.getByRole("slider"), { clientY: 590 });
    expect(container.querySelector(".ll-card")).toHaveTextContent(/words of 4.*Answer.*words of 5.*2 ideas/);
    fireEvent.pointerLeave(screen.getByRole("slider"));
    expect(container.querySelector(".ll-card")).toBeNull();
  });

  it("has a mark for each message, a knot and a flag", () => {
    const { container } = show();
    expect(container.querySelectorAll(".ll-user")).toHaveLength(3);
    expect(container.querySelectorAll(".ll-assistant")).toHaveLength(3);
    expect(container.querySelectorAll(".ll-knot")).toHaveLength(1);
    expect(container.querySelectorAll(".ll-flag")).toHaveLength(1);
  });

  it("of an empty conversation is not there", () => {
    const { container } = render(<LogLine entries={[]} activeId={null} onTravel={vi.fn()} />);
    expect(container).toBeEmptyDOMElement();
  });
});

describe("the log line on a phone", () => {
  afterEach(() => vi.unstubAllGlobals());

  function showNarrow() {
    vi.stubGlobal("matchMedia", () => ({ matches: true, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
    return show();
  }

  it("is a pill with the date, which opens the days to travel to", () => {
    const { onTravel } = showNarrow();
    expect(screen.queryByRole("slider")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: /Nov/ }));
    const days = within(screen.getByRole("dialog", { name: "Travel to a day" })).getAllByRole("button");
    expect(days.map((day) => day.textContent)).toEqual([
      expect.stringContaining("words of 0"),
      expect.stringContaining("words of 2"),
      expect.stringContaining("words of 5"),
    ]);
    expect(days[1]).toHaveAttribute("aria-current", "date");
    fireEvent.click(days[2] as HTMLElement);
    expect(onTravel).toHaveBeenCalledExactlyOnceWith("m5");
  });

  it("offers months when there are too many days", () => {
    const [first] = ENTRIES as [LogLineEntry];
    const years = Array.from({ length: 900 }, (_, day) => ({ ...first, id: `d${day}`, at: START + day * 86_400_000 }));
    expect(findStops(years).length).toBeLessThan(40);
    expect(findStops(years).reduce((sum, stop) => sum + stop.count, 0)).toBe(900);
  });
});
