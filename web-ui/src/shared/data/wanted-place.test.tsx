import { afterEach, describe, expect, it } from "vitest";

import { keepWantedPlace, takeWantedPlace, wantedPlace } from "@/shared/data/wanted-place";

afterEach(() => {
  sessionStorage.clear();
});

function at(address: string): URL {
  return new URL(address, "http://server.test");
}

describe("where one wants to be after signing in", () => {
  it("is the address that was opened, unless it is a way in", () => {
    expect(wantedPlace(at("/c/abc?x=1#m2"))).toBe("/c/abc?x=1#m2");
    for (const way of ["/sign-in?error=state", "/invite/secret", "/reset/secret", "/open?link=used"]) {
      expect(wantedPlace(at(way))).toBe("/");
    }
    expect(wantedPlace(at("/settings/account"))).toBe("/settings/account");
  });

  it("is kept once for who is sent to sign in elsewhere", () => {
    keepWantedPlace("/c/abc");
    expect(takeWantedPlace()).toBe("/c/abc");
    expect(takeWantedPlace()).toBeNull();
  });

  it.each(["//elsewhere.test/", "/\\elsewhere.test", "https://elsewhere.test/", "javascript:0"])("is never %s", (place) => {
    keepWantedPlace(place);
    expect(takeWantedPlace()).toBeNull();
  });
});
