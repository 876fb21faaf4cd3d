import { afterEach, describe, expect, it, vi } from "vitest";

import { ProblemError, request } from "@/shared/http/request";

const HTML = { headers: { "Content-Type": "text/html" } };

function answer(body: string, status: number): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status, ...HTML })));
}

afterEach(() => vi.unstubAllGlobals());

describe("an answer that is not Quarterdeck's", () => {
  it("is a server that is not ready, where a proxy says so with a page of its own", async () => {
    answer("<h1>502 Bad Gateway</h1>", 502);
    await expect(request("/api/me")).rejects.toThrow("The server is not ready just now. Try again in a moment.");
  });

  it("is told as such, where a network answers everything with its own page", async () => {
    answer("<h1>Welcome to our hotel</h1>", 200);
    const asked = request("/api/me");
    await expect(asked).rejects.toBeInstanceOf(ProblemError);
    await expect(asked).rejects.toThrow("Something other than Quarterdeck answered.");
  });
});
