import { expect, it } from "vitest";

import { rankCommands } from "@/features/palette/rank-commands";

const COMMANDS = [
  { group: "Actions", label: "Switch to dark", words: "theme night" },
  { group: "Actions", label: "New conversation" },
  { group: "Conversations", label: "A trip to Lisbon" },
  { group: "Conversations", label: "Lisbon, three days" },
];

const labels = (search: string) => rankCommands(COMMANDS, search).map((command) => command.label);

it("shows everything while nothing is typed", () => {
  expect(labels(" ")).toHaveLength(4);
});

it("puts what begins with the word first in its group", () => {
  expect(labels("lisbon")).toEqual(["Lisbon, three days", "A trip to Lisbon"]);
});

it("finds by other words and by the group, all words at once", () => {
  expect(labels("night")).toEqual(["Switch to dark"]);
  expect(labels("conv trip")).toEqual(["A trip to Lisbon"]);
  expect(labels("dark lisbon")).toEqual([]);
});
