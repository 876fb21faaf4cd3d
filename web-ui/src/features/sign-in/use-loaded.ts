import { useEffect, useState } from "react";

import { ProblemError, request } from "@/shared/http/request";

export interface Loaded<Result> {
  value: Result | null;
  error: ProblemError | null;
  reload(): void;
}

/** What an address answers, asked once: nobody is signed in, so nothing is kept. */
export function useLoaded<Result>(path: string): Loaded<Result> {
  const [value, setValue] = useState<Result | null>(null);
  const [error, setError] = useState<ProblemError | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const asking = new AbortController();
    request<Result>(path, { signal: asking.signal }).then(setValue, (problem: unknown) => {
      if (!asking.signal.aborted && problem instanceof ProblemError) setError(problem);
    });
    return () => asking.abort();
  }, [path, tries]);
  const reload = () => {
    setError(null);
    setTries(tries + 1);
  };
  return { value, error, reload };
}
