/** What `/api/admin/memory` answers. */
export interface MemoryModel {
  /** Empty: none. */
  model: string;
  origin: "settings" | "environment";
  /** What the environment says; empty: none. */
  default: string;
  state: "off" | "ready" | "building" | "failing";
  error: string;
  done: number;
  total: number;
  vectors: { model: string; count: number }[];
  choices: { id: string; kind: "provider" | "bert" | "onnx" | "gguf" }[];
  models_dir: string;
  learning: boolean;
  learning_model: string;
  learning_requests_a_day: number;
}

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
