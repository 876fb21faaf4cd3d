import type { TFunction } from "i18next";

const CODES = ["state", "refused", "unproven", "not_invited", "domain", "unverified", "already_linked", "provider_down", "suspended"];

/** What the code in the address means, in which a sign-in elsewhere ended; empty without one. */
export function refusalOf(code: string | null, t: TFunction): string {
  if (!code) return "";
  return t(`sign_in.error.${CODES.includes(code) ? code : "other"}`);
}
