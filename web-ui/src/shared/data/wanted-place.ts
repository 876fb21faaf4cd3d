/** Where somebody wants to be once they are signed in. */
const KEY = "qd.wanted";
const WAYS_IN = /^\/(sign-in|invite|reset|open)(\/|$)/;

type Place = Pick<Location, "pathname" | "search" | "hash">;

/** The address that is open, unless it is one of the ways in. */
export function wantedPlace({ pathname, search, hash }: Place = location): string {
  return WAYS_IN.test(pathname) ? "/" : pathname + search + hash;
}

/** Before one is sent to sign in elsewhere: coming back, the server leads to the start. */
export function keepWantedPlace(place: string = wantedPlace()): void {
  try {
    sessionStorage.setItem(KEY, place);
  } catch {
    // not remembered, then: one begins at the start
  }
}

/** What was kept, once; null without. Only an address of this page. */
export function takeWantedPlace(): string | null {
  try {
    const wanted = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return wanted !== null && /^\/(?![/\\])/.test(wanted) ? wanted : null;
  } catch {
    return null;
  }
}

/** Load the page where one wanted to be, with what the server says to whom it knows. */
export function enter(): void {
  const place = wantedPlace();
  if (place === location.pathname + location.search + location.hash) location.reload();
  else location.assign(place);
}
