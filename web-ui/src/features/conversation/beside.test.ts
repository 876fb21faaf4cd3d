import { describe, expect, it } from "vitest";

import { findAnswer, noteSent, useBeside, wantBeside } from "@/features/conversation/beside";
import type { Message } from "@/shared/wire/resources";

const message = (id: string, role: Message["role"], conversation = "given") => ({ id, role, conversation, status: "complete" }) as Message;

describe("another model beside the next answer", () => {
  it("is wanted for one message only", () => {
    wantBeside("openai/other");
    noteSent("c1", "m1");
    noteSent("c2", "m2");
    expect(useBeside.getState()).toEqual({ model: "", awaited: { model: "openai/other", conversation: "c1", after: "m1" } });
  });

  it("waits for the answer to what was sent, also under the name that the server gave the conversation", () => {
    const awaited = { model: "openai/other", conversation: "made-up", after: "a1" };
    const find = (...messages: Message[]) => findAnswer(awaited, { "made-up": "given" }, messages)?.id;
    expect(find(message("a1", "assistant"))).toBeUndefined();
    expect(find(message("a1", "assistant"), message("q2", "user"))).toBeUndefined();
    expect(find(message("a1", "assistant"), message("q2", "user"), message("a2", "assistant"))).toBe("a2");
    expect(find(message("a2", "assistant", "elsewhere"))).toBeUndefined();
  });
});
