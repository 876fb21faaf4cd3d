import { useState } from "react";

import { ProblemError } from "@/shared/http/request";

export interface Action<Args extends unknown[]> {
  run(...args: Args): Promise<void>;
  isPending: boolean;
  error: ProblemError | null;
}

/** Something that is asked of the server once: whether it is under way, and what was wrong the last time. */
export function useAction<Args extends unknown[]>(act: (...args: Args) => Promise<unknown>): Action<Args> {
  const [isPending, setIsPending] = useState(false);
  const [error, setError] = useState<ProblemError | null>(null);
  const run = async (...args: Args) => {
    setIsPending(true);
    setError(null);
    try {
      await act(...args);
    } catch (problem) {
      setError(problem instanceof ProblemError ? problem : new ProblemError(0, "unknown", String(problem), false));
    } finally {
      setIsPending(false);
    }
  };
  return { run, isPending, error };
}
