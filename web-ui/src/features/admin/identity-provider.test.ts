import { describe, expect, it } from "vitest";

import { bodyOf, firstDraft, nameFor, withKind } from "@/features/admin/identity-provider";

describe("an identity provider being entered", () => {
  it("takes the label of its kind until one is written", () => {
    const draft = withKind(firstDraft(), "github");
    expect(draft.label).toBe("GitHub");
    expect(withKind({ ...draft, label: "Our forge" }, "oidc").label).toBe("Our forge");
  });

  it("is named in addresses after its label", () => {
    expect(nameFor({ label: "Our Forge, Ltd.", kind: "oidc" })).toBe("our-forge-ltd");
    expect(nameFor({ label: "工场", kind: "oidc" })).toBe("oidc");
  });

  it("sends no secret where none was entered, and domains one by one", () => {
    const draft = { ...firstDraft(), client_id: " id ", domains: "example.org, @example.com;  " };
    expect(bodyOf(draft)).toEqual({
      kind: "google",
      label: "Google",
      issuer: "",
      client_id: "id",
      sign_up: "invitation",
      domains: ["example.org", "@example.com"],
    });
    expect(bodyOf({ ...draft, client_secret: "shh" })).toHaveProperty("client_secret", "shh");
  });
});
