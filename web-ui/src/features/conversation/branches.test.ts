import { describe, expect, it } from "vitest";

import { neighbours } from "@/features/conversation/branches";

describe("the branches beside a message", () => {
  const siblings = { position: 2, count: 3, ids: ["a", "b", "c"] };

  it("are the one before it and the one after it", () => {
    expect(neighbours("b", siblings)).toEqual({ earlier: "a", later: "c" });
  });

  it("end at both ends", () => {
    expect(neighbours("a", siblings).earlier).toBeNull();
    expect(neighbours("c", siblings).later).toBeNull();
  });

  it("are not guessed where it is not named itself", () => {
    expect(neighbours("z", siblings)).toEqual({ earlier: null, later: null });
  });
});
