import type { ModelProfile } from "@/shared/wire/generated";

export interface ModelGroup {
  provider: string;
  models: ModelProfile[];
}

/** By a provider's name. */
type Labels = Readonly<Record<string, string>>;

/** Every word must occur in the model's id or its provider's label, in any order. */
export function searchModels(models: ModelProfile[], search: string, labels: Labels = {}): ModelProfile[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    const text = `${model.id} ${labels[model.provider] ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** By provider, in the order of the list; the built-in one is last. */
export function groupModels(models: ModelProfile[]): ModelGroup[] {
  const groups = new Map<string, ModelProfile[]>();
  for (const model of models) groups.set(model.provider, [...(groups.get(model.provider) ?? []), model]);
  return Array.from(groups, ([provider, found]) => ({ provider, models: found })).sort(
    (left, right) => Number(left.provider === "builtin") - Number(right.provider === "builtin"),
  );
}
