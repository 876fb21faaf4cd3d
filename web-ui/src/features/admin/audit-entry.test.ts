import { describe, expect, it } from "vitest";

import "@/features/admin/words";
import { actionName, detailText, targetName } from "@/features/admin/audit-entry";
import type { Person } from "@/features/admin/person";
import { i18n } from "@/shared/i18n/i18n";

const BELA = { id: "01m8hnej2asegw2z33dyd14xmf", name: "Bela" } as Person;

describe("an entry of the audit log", () => {
  it("says in words what was done, and shows what it has no words for as it came", () => {
    expect(actionName("session.refused", i18n.t, i18n)).toBe("was not let in");
    expect(actionName("kraken.set_free", i18n.t, i18n)).toBe("kraken set free");
  });

  it("names whom a rule is about", () => {
    expect(targetName(`user:${BELA.id}`, [BELA], i18n.t)).toBe("Bela");
    expect(targetName("role:member", [], i18n.t)).toBe("Members");
    expect(targetName("frida@example.org", [], i18n.t)).toBe("frida@example.org");
  });

  it("shows details without ids, money as money and times as dates", () => {
    const detail = { user: BELA.id, max_cost: 10_000_000, expires_at: Date.UTC(2026, 11, 28, 12), via: "link", note: "" };
    expect(detailText(detail, "en")).toMatch(/^max cost: \$10\.00, expires at: (Dec 28, 2026|28 Dec 2026), via: link$/);
  });
});
