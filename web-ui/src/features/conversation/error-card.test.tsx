import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { AnswerView } from "@/features/conversation/answer-view";
import { ErrorCard } from "@/features/conversation/error-card";
import "@/shared/i18n/i18n";

function failed(change: Partial<AnswerView>): AnswerView {
  return {
    status: "failed",
    parts: [],
    open: null,
    continuations: [],
    approvals: [],
    error: { code: "provider_timeout", message: "OpenAI did not begin to answer within 120 s." },
    usage: {},
    startedAt: 0,
    firstTokenMs: null,
    thoughtMs: null,
    retrying: null,
    isShortened: false,
    isStopping: false,
    isLive: false,
    ...change,
  };
}

describe("the error card", () => {
  it("says what happened, what was kept and what to do", () => {
    render(<ErrorCard view={failed({})} onRetry={() => undefined} />);
    const card = screen.getByRole("alert");
    expect(card).toHaveTextContent("The model did not answer.");
    expect(card).toHaveTextContent("OpenAI did not begin to answer within 120 s. Your message is kept.");
    expect(card).toHaveTextContent("choose another model");
  });

  it("does not say twice what was kept", () => {
    const error = { code: "provider_cut", message: "The connection was cut. What was written so far is kept." };
    render(<ErrorCard view={failed({ error, parts: [{ kind: "text", text: "Half" }] })} onRetry={() => undefined} />);
    const text = screen.getByRole("alert").textContent ?? "";
    expect(text).toContain("The answer is not complete.");
    expect(text.match(/kept/g)).toHaveLength(1);
  });

  it("tries again and leads to the settings when the key was refused", async () => {
    const retry = vi.fn();
    const error = { code: "provider_key_refused", message: "OpenAI refused the key. Your message is kept." };
    render(<ErrorCard view={failed({ error })} onRetry={retry} />);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(retry).toHaveBeenCalledOnce();
    expect(screen.getByRole("link", { name: "Open the settings" })).toHaveAttribute("href", "/settings");
  });
});
