import { beforeEach, describe, expect, it } from "vitest";

import { beginEdit, changeEdit, endEdit, useEdits } from "@/features/conversation/edits";
import { withNewest } from "@/shared/data/message-cache";
import type { Message } from "@/shared/wire/resources";

const message: Message = {
  id: "m1",
  conversation: "c1",
  parent: null,
  role: "user",
  status: "complete",
  parts: [{ kind: "text", text: "Weigh anchor" }],
  model: "",
  created_at: 1,
  ended_at: 1,
  turn: null,
  version: 3,
};

const edit = () => useEdits.getState()["m1"];

describe("an edit", () => {
  beforeEach(() => endEdit("m1"));

  it("begins with the text and the version of the message", () => {
    beginEdit(message);
    expect(edit()).toEqual({ text: "Weigh anchor", version: 3, other: null });
  });

  it("keeps its text and its version when the message is changed elsewhere", () => {
    beginEdit(message);
    changeEdit("m1", { text: "Drop anchor" });
    beginEdit({ ...message, version: 4, parts: [{ kind: "text", text: "Set sail" }] });
    expect(edit()).toMatchObject({ text: "Drop anchor", version: 3 });
  });

  it("is gone when it has ended, and a late change does not bring it back", () => {
    beginEdit(message);
    endEdit("m1");
    changeEdit("m1", { text: "Too late" });
    expect(edit()).toBeUndefined();
  });
});

describe("an answer that is asked for anew", () => {
  it("is the second beside one that stood alone", () => {
    expect(withNewest(message, "m2")).toEqual({ position: 2, count: 2, ids: ["m1", "m2"] });
  });

  it("is the last of many, also from an earlier one", () => {
    const siblings = { position: 1, count: 2, ids: ["m1", "m2"] };
    expect(withNewest({ ...message, siblings }, "m3")).toEqual({ position: 3, count: 3, ids: ["m1", "m2", "m3"] });
  });
});
