/** Calls to `/api`: JSON in and out, problem details as errors. */

export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryable: boolean,
    /** How long to wait before it makes sense to ask again; null when the server did not say. */
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "ProblemError";
  }
}

interface Problem {
  code?: string;
  detail?: string;
  title?: string;
  retryable?: boolean;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Options {
  method?: Method;
  body?: unknown;
  /** Sent as it is, instead of a body of JSON. */
  file?: Blob;
  query?: Record<string, string | number | null | undefined>;
  signal?: AbortSignal;
}

const SIGN_IN = "/api/sign-in";

let onSignedOut: (reason: ProblemError) => void = () => undefined;

/** Called whenever the server answers that it does not know us, with what it said. */
export function whenSignedOut(listener: (reason: ProblemError) => void): void {
  onSignedOut = listener;
}

/** Raises `ProblemError`; its message is one sentence for the user (`offline` when nothing answered). */
export async function request<Result>(path: string, options: Options = {}): Promise<Result> {
  return readAnswer(path, await ask(path, options));
}

/** What was to be made, and whether it is new (201) or was there already. Raises `ProblemError`. */
export async function requestNew<Result>(path: string, body: unknown): Promise<{ made: Result; isNew: boolean }> {
  const response = await ask(path, { method: "POST", body });
  return { made: await readAnswer<Result>(path, response), isNew: response.status === 201 };
}

/** Raises `ProblemError` for an answer that refuses. */
export async function readAnswer<Result>(path: string, response: Response): Promise<Result> {
  if (!response.ok) {
    const problem = await asProblem(response);
    // Who tries to get in and is not let in is not signed out by it.
    if (problem.status === 401 && path !== SIGN_IN) onSignedOut(problem);
    throw problem;
  }
  const text = await response.text();
  try {
    return (text === "" ? undefined : JSON.parse(text)) as Result;
  } catch {
    throw new ProblemError(0, "foreign", "Something other than Quarterdeck answered. Perhaps this network wants you to sign in first.", true);
  }
}

export function offline(): ProblemError {
  return new ProblemError(0, "offline", "The server cannot be reached. Check that Quarterdeck is running.", true);
}

async function ask(path: string, { method = "GET", body, file, query, signal }: Options): Promise<Response> {
  try {
    return await fetch(path + queryString(query), {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(file ? { body: file } : body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw offline();
  }
}

async function asProblem(response: Response): Promise<ProblemError> {
  const problem = (await response.json().catch(() => ({}))) as Problem;
  const message = problem.detail ?? problem.title ?? explain(response.status);
  const wait = Number(response.headers.get("retry-after") ?? NaN);
  return new ProblemError(
    response.status,
    problem.code ?? "unknown",
    message,
    problem.retryable ?? false,
    Number.isFinite(wait) ? wait : null,
  );
}

/** What a proxy answers for a server that is started again. */
export function isAway(status: number): boolean {
  return status >= 502 && status <= 504;
}

function explain(status: number): string {
  if (isAway(status)) return "The server is not ready just now. Try again in a moment.";
  return `The server answered with status ${status} and did not say why.`;
}

function queryString(query: Options["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}
