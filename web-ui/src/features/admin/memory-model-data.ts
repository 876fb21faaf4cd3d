import type * as api from "@/shared/wire/api";

/** What `/api/admin/memory` answers. */
export type MemoryModel = api.MemoryModelDocument;

/** The choices that are no model; no model is called so, since each has a slash. */
export const NONE = "none";
export const USUAL = "usual";
export const OTHER = "other";

/** What is chosen now, as the form has it. */
export function chosenOf({ origin, model }: MemoryModel): string {
  return origin === "environment" ? USUAL : model || NONE;
}

/** As the route takes it: null is what the environment says. */
export function modelOf(chosen: string, other: string): string | null {
  if (chosen === USUAL) return null;
  if (chosen === NONE) return "";
  return chosen === OTHER ? other.trim() : chosen;
}
