/** Parts of the program that are fetched when they are used, while the server may be away or have a newer program. */
import { useLink } from "@/shared/connection/link-state";

const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 10_000;
/** How often a part is asked for that a server which answers does not give. */
const MOST_REFUSALS = 4;

const HERE = import.meta.url;

let otherNames = 0;

/**
 * What a module calls `name`. As long as the server cannot be reached it is asked for again, with growing pauses.
 * Raises: why the module failed, when the server answers and it fails still (an upgrade has taken it away).
 */
export async function fetchPart<Module extends object, Name extends keyof Module>(
  load: () => Promise<Module>,
  name: Name,
): Promise<Module[Name]> {
  let pauseMs = FIRST_PAUSE_MS;
  let refusals = 0;
  for (let tries = 1; ; tries++) {
    try {
      return (await load())[name];
    } catch (error) {
      const again = tries > 1 ? await loadByAnotherName<Module>(error) : null;
      if (again !== null && name in again) return again[name];
      if (await isServerThere()) {
        if (++refusals === MOST_REFUSALS) throw error;
        if (refusals === 1) pauseMs = FIRST_PAUSE_MS;
      }
    }
    await pause(pauseMs);
    pauseMs = Math.min(2 * pauseMs, MOST_PAUSE_MS);
  }
}

/**
 * Browsers before the end of 2026 remember that a module could not be fetched, and do not ask for it again (HTML
 * pull request 10327). To them an address with a query is another module, each one once; most say in the error which
 * one it was.
 */
async function loadByAnotherName<Module>(error: unknown): Promise<Module | null> {
  const address = error instanceof Error ? /\S+$/.exec(error.message)?.[0] : undefined;
  if (!address?.startsWith(new URL(".", HERE).href)) return null;
  try {
    return (await import(/* @vite-ignore */ `${address}?again=${++otherNames}`)) as Module;
  } catch {
    return null;
  }
}

/** Whether something answers that is no proxy before a server which is down; our own file is where any part would be. */
async function isServerThere(): Promise<boolean> {
  try {
    return (await fetch(HERE, { method: "HEAD", cache: "no-store" })).status < 500;
  } catch {
    return false;
  }
}

/** Ends at once when the network or the server is back. */
function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(end, forMs);
    const unsubscribe = useLink.subscribe(({ state }, { state: before }) => {
      if (state === "open" && before !== "open") end();
    });
    addEventListener("online", end);
  });
}
