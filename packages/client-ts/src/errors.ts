/** What the server refused: `code` is stable, the message is one sentence for a person. */
export class QuarterdeckError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryable: boolean,
    /** How long to wait before asking again makes sense; null when nobody said. */
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "QuarterdeckError";
  }
}

interface Problem {
  code?: string;
  detail?: string;
  retryable?: boolean;
}

/** Of an answer that is not ok. */
export async function errorOf(response: Response): Promise<QuarterdeckError> {
  const problem = (await response.json().catch(() => ({}))) as Problem;
  const wait = Number(response.headers.get("retry-after") ?? NaN);
  return new QuarterdeckError(
    response.status,
    problem.code ?? "unknown",
    problem.detail ?? `The server answered with status ${response.status}.`,
    problem.retryable ?? false,
    Number.isFinite(wait) ? wait : null,
  );
}
