import { expect, test } from "vitest";

import { entryLine } from "@/features/context/entry-line";

test("what was said is shown, not what the server has put around it", () => {
  const recalled = '\n\n<message id="01m8" by="the user" said="Mon 2026-11-30 19:27 +00:00">\nMy dog hates\nthunder.\n</message>';
  expect(entryLine({ text: recalled })).toBe("My dog hates thunder.");
  expect(entryLine({ text: '<memory id="01m9" kind="fact">\nLikes tea\n</memory>' })).toBe("Likes tea");
  expect(entryLine({ text: "[Sent Mon 2026-11-30 19:29 +00:00]\nAnd when?" })).toBe("And when?");
});

test("markup that somebody wrote stays, and what is gone has no line", () => {
  expect(entryLine({ text: "Is <message> an element?" })).toBe("Is <message> an element?");
  expect(entryLine({ text: null })).toBe("");
});
