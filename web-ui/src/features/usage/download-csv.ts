import { ProblemError } from "@/shared/http/request";

/** Asks an address for its CSV and hands it to the browser as a file. Raises: `ProblemError`. */
export async function downloadFrom(path: string, name: string): Promise<void> {
  const answer = await fetch(path, { headers: { Accept: "text/csv" }, credentials: "same-origin" });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string; code?: string };
    const message = problem.detail ?? `The server answered with status ${answer.status}.`;
    throw new ProblemError(answer.status, problem.code ?? "unknown", message, false);
  }
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
