interface Findable {
  group: string;
  label: string;
  words?: string;
}

const MOST = 60;

/**
 * What matches, groups in their own order. Every word must occur; labels that begin with the first word
 * come first in their group.
 */
export function rankCommands<Item extends Findable>(commands: Item[], search: string): Item[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, { first: Item[]; rest: Item[] }>();
  for (const command of commands) {
    const text = `${command.label} ${command.words ?? ""} ${command.group}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const group = groups.get(command.group) ?? { first: [], rest: [] };
    groups.set(command.group, group);
    const isFirst = words.length > 0 && command.label.toLowerCase().startsWith(words[0] ?? "");
    (isFirst ? group.first : group.rest).push(command);
  }
  return Array.from(groups.values(), ({ first, rest }) => [...first, ...rest]).flat().slice(0, MOST);
}
