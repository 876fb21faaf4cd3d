import type { PageSettings } from "@/shared/wire/resources";

/** What the server wrote into the index; empty when the page is served by the development server. */
export function readPageSettings(root: Document = document): PageSettings {
  try {
    return JSON.parse(root.getElementById("quarterdeck-settings")?.textContent ?? "{}") as PageSettings;
  } catch {
    return {};
  }
}

/** Signed out is said by `user: null`; a missing `user` means that nobody filled the template. */
export function isSignedOut(settings: PageSettings): boolean {
  return settings.user === null;
}
