/** What the routes under `/api/memories` answer. Times are milliseconds since 1970, ids are opaque. */

export type MemoryKind = "fact" | "preference" | "plan" | "relation" | "event";

export type MemoryState = "current" | "superseded" | "stale";

/** What each signal gave of a score, by its name. */
export type Signals = Record<string, number>;

/** A message that a memory came from: `version` was read, `current_version` is what it says now. */
export interface MemorySource {
  message: string;
  conversation: string;
  title: string;
  role: string;
  /** The passage; empty: the whole message. */
  quote: string;
  version: number;
  current_version: number;
  is_gone: boolean;
}

export interface Memory {
  id: string;
  kind: MemoryKind;
  text: string;
  confidence: number;
  origin: "derived" | "user" | "import";
  said_at: number;
  valid_from: number | null;
  valid_to: number | null;
  pinned: boolean;
  /** It rests on text that others wrote. */
  tainted: boolean;
  state: MemoryState;
  superseded_by: string | null;
  supersedes: string[];
  sources: MemorySource[];
  used: { count: number; turn: string; message: string; conversation: string; at: number } | null;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface MemoryPage {
  memories: Memory[];
  next: string | null;
}

export interface MemoryDraft {
  text: string;
  kind: MemoryKind;
  valid_from: number | null;
  valid_to: number | null;
}

/** The memory as it was after `change`. */
export interface MemoryVersion {
  version: number;
  change: string;
  actor: "user" | "model" | "server";
  at: number;
  text: string;
  kind: MemoryKind;
  valid_from: number | null;
  valid_to: number | null;
  pinned: boolean;
  state: MemoryState;
}

export interface MemoryUse {
  turn: string;
  message: string;
  conversation: string;
  title: string;
  at: number;
  signals: Signals;
}

export interface RecallHit {
  kind: "message" | "memory" | "summary";
  id: string;
  /** What it resolves to, the best first. */
  messages: string[];
  text: string;
  at: number;
  role: string;
  speaker: string;
  conversation: string;
  title: string;
  score: number;
  signals: Signals;
  tainted: boolean;
}

export interface MemoryNotes {
  text: string;
  version: number;
  updated_at: number;
  /** A memory that it says was changed since. */
  is_stale: boolean;
}

export interface MemorySettings {
  memory: "on" | "off";
  embedding: { model: string; state: "off" | "ready" | "building"; done: number; total: number; error: string };
}

export interface MemoryImport {
  imported: number;
  known: number;
  skipped: { line: number; reason: string }[];
}
