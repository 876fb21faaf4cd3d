import { describe, expect, it } from "vitest";

import { choiceOf } from "@/shared/data/assistants";
import type { ChatOptions } from "@/shared/data/chat-options";
import type { Assistant } from "@/shared/wire/resources";

const MODELS = [{ id: "a/one" }, { id: "a/two" }];
const OPTIONS: ChatOptions = { model: "a/one", temperature: null, assistant: "", instructions: "", memory: "" };

function assistant(own: Partial<Assistant> = {}): Assistant {
  const draft = { name: "Pilot", description: "", model: "", temperature: null, tools: [], starters: [] };
  return { id: "p", kind: "own", is_shared: false, updated_at: 0, format: "plain", ...draft, ...own };
}

describe("choosing an assistant", () => {
  it("changes nothing else when it brings nothing", () => {
    expect(choiceOf(assistant(), undefined, OPTIONS, MODELS)).toEqual({ assistant: "p" });
  });

  it("brings its model and temperature", () => {
    const chosen = assistant({ model: "a/two", temperature: 0 });
    expect(choiceOf(chosen, undefined, OPTIONS, MODELS)).toEqual({ assistant: "p", model: "a/two", temperature: 0 });
  });

  it("keeps the model where its own cannot be had", () => {
    const chosen = assistant({ model: "gone/model" });
    expect(choiceOf(chosen, undefined, OPTIONS, MODELS)).toEqual({ assistant: "p", model: "a/one" });
  });

  it("takes away what the one before had brought, and nothing else", () => {
    const before = assistant({ model: "a/two", temperature: 0.5 });
    const brought = { ...OPTIONS, model: "a/two", temperature: 0.5 };
    expect(choiceOf(undefined, before, brought, MODELS)).toEqual({ assistant: "", model: "", temperature: null });
    const chosen = { ...OPTIONS, model: "a/one", temperature: 1 };
    expect(choiceOf(undefined, before, chosen, MODELS)).toEqual({ assistant: "" });
  });
});
