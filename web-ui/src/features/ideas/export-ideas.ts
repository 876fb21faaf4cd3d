import type { Idea } from "@/features/ideas/ideas-data";

function toListItem(text: string): string {
  return `- ${text.trim().replace(/\r?\n/g, "\n  ")}`;
}

function dateOf(at: number): string {
  const date = new Date(at);
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** Ideas as a Markdown list under the title and day of each conversation, in the order given. */
export function toMarkdown(ideas: readonly Idea[], titleOf: (idea: Idea) => string): string {
  const sections = new Map<string, string[]>();
  for (const idea of ideas) {
    const heading = `## ${titleOf(idea).replace(/\s+/g, " ")}, ${dateOf(idea.created_at)}`;
    const section = sections.get(heading);
    if (section) section.push(toListItem(idea.text));
    else sections.set(heading, [toListItem(idea.text)]);
  }
  const parts = [...sections].map(([heading, items]) => `${heading}\n\n${items.join("\n")}\n`);
  return parts.join("\n");
}

/** Hands `text` to the browser as a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/markdown;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

export function nameExport(now: number): string {
  return `ideas-${dateOf(now)}.md`;
}
