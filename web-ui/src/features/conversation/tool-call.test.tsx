/** A tool call is a quiet line that unfolds; an approval says exactly what would be done. */
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";

import { AnswerParts } from "@/features/conversation/answer-parts";
import type { AnswerView } from "@/features/conversation/answer-view";
import type { Part } from "@/shared/wire/generated";
import "@/shared/i18n/i18n";

const KNOWN = "0".repeat(25) + "a";
const CALL: Part = { kind: "tool_call", call: "k", name: "search_memory", arguments: '{"query":"my boat"}' };
const RESULT: Part = {
  kind: "tool_result", call: "k", text: `<message id="${KNOWN}" by="the user">My boat</message>`, is_error: false, taint: "web",
};

function show(parts: Part[], change: Partial<AnswerView> = {}) {
  const view: AnswerView = {
    status: "complete", parts, open: null, continuations: [], approvals: [], error: null, usage: {}, startedAt: 0,
    firstTokenMs: null, thoughtMs: null, retrying: null, isShortened: false, isStopping: false, isLive: false, ...change,
  };
  render(<AnswerParts view={view} turn="t1" />);
}

function answer(body: unknown) {
  const asked = vi.fn(() => Promise.resolve(Response.json(body)));
  vi.stubGlobal("fetch", asked);
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

it("says what was searched for and unfolds to what came of it", async () => {
  show([CALL, RESULT]);
  expect(screen.queryByText(/My boat<\/message>/)).toBeNull();
  await userEvent.click(screen.getByText("Searched your memory: my boat"));
  expect(screen.getByText(/My boat<\/message>/)).toBeInTheDocument();
  expect(screen.getByText(/Others wrote some of this/)).toBeInTheDocument();
});

it("asks before a side effect and sends what was shown", async () => {
  const asked = answer(null);
  const approval = { call: "k", name: "send_mail", digest: "d".repeat(64), taint: "web" };
  show([{ ...CALL, name: "send_mail" }], { isLive: true, status: "running", approvals: [approval] });
  expect(screen.getByText(/may be their wish and not yours/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Do not allow" }));
  const [path, options] = asked.mock.calls[0] as unknown as [string, RequestInit];
  expect(path).toContain("/api/turns/t1/approvals/k");
  expect(JSON.parse(options.body as string)).toEqual({ digest: approval.digest, decision: "declined" });
});
