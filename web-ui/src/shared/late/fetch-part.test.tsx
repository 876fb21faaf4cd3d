import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { setLinkState } from "@/shared/connection/link-state";
import { fetchPart } from "@/shared/late/fetch-part";

const HERE = import.meta.url;
const SMALL_PART = new URL("testing/small-part.ts", HERE).href;

const lost = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));
const answer = (status: number) => vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(new Response(null, { status })));
const noAnswer = () => vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("Failed to fetch"));

/** Answers with the part from the given try on. */
function comesAt(wanted: number) {
  let tries = 0;
  return vi.fn(() => (++tries < wanted ? lost() : Promise.resolve({ Part: "the part" })));
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a part that is fetched", () => {
  it("is asked for once when it comes", async () => {
    const load = comesAt(1);
    expect(await fetchPart(load, "Part")).toBe("the part");
    expect(load).toHaveBeenCalledTimes(1);
  });

  it("is asked for with growing pauses as long as the server is away", async () => {
    noAnswer();
    const load = comesAt(68);
    const part = fetchPart(load, "Part");
    const after = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return load.mock.calls.length;
    };
    expect(await after(499)).toBe(1);
    expect(await after(1)).toBe(2);
    expect(await after(1_000)).toBe(3);
    expect(await after(2_000 + 4_000 + 8_000)).toBe(6);
    expect(await after(10_000)).toBe(7);
    expect(await after(600_000)).toBe(67);
    expect(await after(10_000)).toBe(68);
    expect(await part).toBe("the part");
  });

  it("comes when the server is back", async () => {
    noAnswer();
    const part = fetchPart(comesAt(5), "Part");
    await vi.advanceTimersByTimeAsync(7_500);
    expect(await part).toBe("the part");
  });

  it("takes a proxy that says that the server is down for a server that is away", async () => {
    answer(502);
    const load = comesAt(8);
    const part = fetchPart(load, "Part");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await part).toBe("the part");
  });

  it.each([
    ["the network is back", () => dispatchEvent(new Event("online"))],
    ["the connection is open again", () => setLinkState("open")],
  ])("is asked for at once when %s", async (_, comeBack) => {
    setLinkState("waiting");
    noAnswer();
    const part = fetchPart(comesAt(6), "Part");
    await vi.advanceTimersByTimeAsync(7_600); // four pauses are over, the fifth lasts for eight seconds
    comeBack();
    await vi.advanceTimersByTimeAsync(0);
    expect(await part).toBe("the part");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is given up after a few tries when the server answers and has it not", async () => {
    answer(404);
    const load = comesAt(1000);
    const part = fetchPart(load, "Part");
    const failure = expect(part).rejects.toThrow("Failed to fetch dynamically imported module");
    await vi.advanceTimersByTimeAsync(3_500);
    await failure;
    expect(load).toHaveBeenCalledTimes(4);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(4);
  });

  it("does not count the tries of the time when the server was away", async () => {
    const away = noAnswer();
    const load = comesAt(1000);
    const failure = expect(fetchPart(load, "Part")).rejects.toThrow("Failed");
    await vi.advanceTimersByTimeAsync(60_000);
    const before = load.mock.calls.length;
    away.mockResolvedValue(new Response(null, { status: 200 }));
    await vi.advanceTimersByTimeAsync(10_000 + 3_500);
    await failure;
    expect(load.mock.calls.length).toBe(before + 4);
  });

  it("is asked for by another name where the browser remembers the failure", async () => {
    vi.useRealTimers();
    answer(200);
    const load = vi.fn(() => Promise.reject<{ Part: string }>(new TypeError(`error loading dynamically imported module: ${SMALL_PART}`)));
    expect(await fetchPart(load, "Part")).toBe("a small part");
    expect(load).toHaveBeenCalledTimes(2);
  });
});
