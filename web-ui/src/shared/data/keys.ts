/** The names under which TanStack Query keeps what came over HTTP. */
export const keys = {
  conversations: (search = "") => ["conversations", search] as const,
  allConversations: ["conversations"] as const,
  conversation: (id: string) => ["conversation", id] as const,
  messages: (conversation: string) => ["messages", conversation] as const,
  allMessages: ["messages"] as const,
  context: (turn: string) => ["context", turn] as const,
  summaries: (conversation: string, first: string) => ["summaries", conversation, first] as const,
  window: (conversation: string, model: string, tip: string) => ["window", conversation, model, tip] as const,
  ideas: (conversation: string | null) => ["ideas", conversation] as const,
  allIdeas: ["ideas"] as const,
  models: ["models"] as const,
  assistants: ["assistants"] as const,
  assistant: (id: string) => ["assistant", id] as const,
  snippets: ["snippets"] as const,
  providers: ["providers"] as const,
  settings: ["settings"] as const,
};
