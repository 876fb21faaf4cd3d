import type { ModelProfile } from "@/shared/wire/generated";

export interface ModelGroup {
  provider: string;
  models: ModelProfile[];
}

/** Every word must occur in the model's id, in any order. */
export function searchModels(models: ModelProfile[], search: string): ModelProfile[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => words.every((word) => model.id.toLowerCase().includes(word)));
}

/** By provider, in the order of the list; the built-in one is last. */
export function groupModels(models: ModelProfile[]): ModelGroup[] {
  const groups = new Map<string, ModelProfile[]>();
  for (const model of models) groups.set(model.provider, [...(groups.get(model.provider) ?? []), model]);
  return Array.from(groups, ([provider, found]) => ({ provider, models: found })).sort(
    (left, right) => Number(left.provider === "builtin") - Number(right.provider === "builtin"),
  );
}
