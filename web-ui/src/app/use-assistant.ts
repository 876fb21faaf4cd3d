import { choiceOf, useAssistants } from "@/shared/data/assistants";
import type { ChatOptions, ChatOptionsChange } from "@/shared/data/chat-options";
import { useModels } from "@/shared/data/models";
import type { Assistant } from "@/shared/wire/resources";

/** The conversation's assistant, and choosing another one with what it brings along. */
export function useAssistant(options: ChatOptions, change: (change: ChatOptionsChange) => void) {
  const assistants = useAssistants().data;
  const models = useModels().data?.items;
  const chosen = assistants?.find(({ id }) => id === options.assistant);
  const choose = (next: Assistant | undefined) => change(choiceOf(next, chosen, options, models));
  return { chosen, choose, hasIdeas: options.assistant === "ideas" || chosen?.format === "tagged" };
}
