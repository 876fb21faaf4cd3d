export type ExportFormat = "markdown" | "html" | "jsonl";

/** The browser saves the file while the server makes it, however long the conversation is. */
export function exportConversation(id: string, format: ExportFormat): void {
  const link = document.createElement("a");
  link.href = `/api/conversations/${encodeURIComponent(id)}/export?format=${format}`;
  link.download = "";
  link.click();
}
