import type { AssistantDraft, WholeAssistant } from "@/shared/wire/resources";

/** What the editor holds: the draft, and whether everybody gets it. */
export interface EditedAssistant extends AssistantDraft {
  isShared: boolean;
}

export const EMPTY: EditedAssistant = {
  name: "",
  description: "",
  instructions: "",
  model: "",
  temperature: null,
  format: "plain",
  tools: [],
  starters: [],
  uses_memory: true,
  isShared: false,
};

export function toDraft(source: WholeAssistant): EditedAssistant {
  const { name, description, instructions, model, temperature, format, tools, starters, uses_memory = true } = source;
  return { name, description, instructions, model, temperature, format, tools, starters, uses_memory, isShared: source.is_shared };
}
