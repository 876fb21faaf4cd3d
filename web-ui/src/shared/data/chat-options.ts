/** What the next message of a conversation uses: model, temperature, assistant, instructions. */
import { useChangeConversation } from "@/shared/data/conversations";
import { useModels } from "@/shared/data/models";
import { readPageSettings } from "@/shared/data/page-settings";
import { createKept } from "@/shared/data/tab-storage";
import type { Conversation, ConversationMemory, ConversationPatch } from "@/shared/wire/resources";

export interface ChatOptions {
  model: string;
  /** Null is the model's own. */
  temperature: number | null;
  assistant: string;
  instructions: string;
  memory: ConversationMemory;
}

export type ChatOptionsChange = Partial<ChatOptions>;

/**
 * Choices for a conversation that does not exist yet; they go with its first message. They outlive a reload of this tab,
 * as what is written in it does: a private conversation must not become another one.
 */
const useNewChat = createKept<ChatOptionsChange>("new-chat");

export function resetNewChat(change: ChatOptionsChange = {}): void {
  useNewChat.setState(change, true);
}

export function changeNewChat(change: ChatOptionsChange): void {
  useNewChat.setState(change);
}

/** The options and the way to change them; a stored conversation keeps them on the server. */
export function useChatOptions(
  conversation: Conversation | undefined,
): [ChatOptions, (change: ChatOptionsChange) => void] {
  const models = useModels();
  const chosen = useNewChat();
  const { mutate } = useChangeConversation();
  const own: ChatOptionsChange = conversation ?? chosen;
  const options: ChatOptions = {
    model: own.model || models.data?.default || readPageSettings().model || "",
    temperature: own.temperature ?? null,
    assistant: own.assistant ?? "",
    instructions: own.instructions ?? "",
    memory: own.memory ?? "",
  };
  const change = (wanted: ChatOptionsChange) => {
    if (conversation) mutate({ id: conversation.id, patch: wanted as ConversationPatch });
    else changeNewChat(wanted);
  };
  return [options, change];
}
