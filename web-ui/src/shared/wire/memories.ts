/** What the routes under `/api/memories` answer. Times are milliseconds since 1970, ids are opaque. */
import type * as api from "@/shared/wire/api";

export type MemoryKind = "fact" | "preference" | "plan" | "relation" | "event";

export type MemoryState = "current" | "superseded" | "stale";

/** What each signal gave of a score, by its name. */
export type Signals = Record<string, number>;

export type MemorySource = api.MemorySourceDocument;

export interface Memory extends api.MemoryDocument {
  kind: MemoryKind;
}

export interface UndoneMemory extends Memory {
  /** The later changes that went with the one that was undone. */
  undone_with: MemoryVersion[];
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

export type MemoryUse = api.MemoryUse;

export type RecallHit = api.Recollection;

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

export type MemoryImport = api.ImportedMemories;
