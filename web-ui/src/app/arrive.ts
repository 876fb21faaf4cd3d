import { takeWantedPlace } from "@/shared/data/wanted-place";

/**
 * Where a page begins that somebody opened who is in already: at the address they wanted before they were sent to
 * sign in elsewhere; at their account when linking another way to sign in failed.
 */
export function arrive(): void {
  const { pathname, search } = location;
  if (pathname !== "/" && pathname !== "/sign-in") return;
  const error = new URLSearchParams(search).get("error");
  const wanted = takeWantedPlace();
  if (pathname === "/sign-in" && error) go(`/settings/account?error=${encodeURIComponent(error)}`);
  else if (wanted !== null || pathname === "/sign-in") go(wanted ?? "/");
}

function go(place: string): void {
  history.replaceState(null, "", place);
}
