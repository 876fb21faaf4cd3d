import { describe, expect, it } from "vitest";

import { fromDateField, toDateField } from "@/features/memory/dates";
import { isFiltered, readWanted, toQuery, writeWanted } from "@/features/memory/wanted";

describe("what is looked for among the memories", () => {
  it("comes back from the address as it was", () => {
    const wanted = readWanted("q=tea+%26+cake&kind=preference&state=stale&from=2026-05-01");
    expect(readWanted(writeWanted(wanted))).toEqual(wanted);
    expect(wanted.q).toBe("tea & cake");
  });

  it("is the current ones when nothing else is said, and words alone are no filter", () => {
    expect(toQuery(readWanted("")).state).toBe("current");
    expect(isFiltered(readWanted("q=tea"))).toBe(false);
    expect(isFiltered(readWanted("pinned=1"))).toBe(true);
  });

  it("has whole days: the last one counts to its end", () => {
    const { after, before } = toQuery(readWanted("from=2026-05-01&to=2026-05-01"));
    expect(after).toBe(new Date(2026, 4, 1).getTime());
    expect(before).toBe(new Date(2026, 4, 2).getTime());
  });
});

describe("a day in a field", () => {
  it("comes back as it was", () => {
    expect(toDateField(fromDateField("2026-02-28"))).toBe("2026-02-28");
    expect(toDateField(null)).toBe("");
    expect(fromDateField("")).toBeNull();
  });
});
