import type { Assistant } from "@/shared/wire/resources";

/** Every word must occur in the name or the description; names that begin with the first word come first. */
export function searchAssistants(assistants: readonly Assistant[], search: string): Assistant[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = assistants.filter(({ name, description }) => {
    const text = `${name} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const isFirst = ({ name }: Assistant) => words[0] !== undefined && name.toLowerCase().startsWith(words[0]);
  return [...found.filter(isFirst), ...found.filter((assistant) => !isFirst(assistant))];
}
