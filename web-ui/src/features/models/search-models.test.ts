import { expect, it } from "vitest";

import { groupModels, searchModels } from "@/features/models/search-models";
import type { ModelProfile } from "@/shared/wire/generated";

const model = (id: string): ModelProfile => {
  const [provider = "", name = ""] = id.split("/");
  return { id, provider, name };
};

const MODELS = ["builtin/log-reader", "openai/gpt-5-mini", "groq/llama-3.3-70b", "openai/gpt-5"].map(model);

it("finds by any words in any order", () => {
  expect(searchModels(MODELS, "mini OPENAI").map((found) => found.id)).toEqual(["openai/gpt-5-mini"]);
  expect(searchModels(MODELS, "")).toHaveLength(4);
  const labels = { groq: "The fast one" };
  expect(searchModels(MODELS, "fast llama", labels).map((found) => found.id)).toEqual(["groq/llama-3.3-70b"]);
});

it("groups by provider and puts the built-in one last", () => {
  expect(groupModels(MODELS).map((group) => [group.provider, group.models.length])).toEqual([
    ["openai", 2],
    ["groq", 1],
    ["builtin", 1],
  ]);
});
