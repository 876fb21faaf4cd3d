/**
 * What the user sent and the server has not acknowledged yet. Each entry is also in localStorage under a
 * key of its own (tabs do not overwrite each other), and is sent again with the same id until it is accepted.
 */
import { create } from "zustand";

import { newId } from "@/shared/connection/ids";
import { ownPrefix } from "@/shared/data/own-storage";
import type { RetryFrame, SendFrame } from "@/shared/wire/generated";

type Unsent<Frame> = Omit<Frame, "type" | "ref">;

interface EntryState {
  at: number;
  /** Why the server will not take it; null while it waits or is on its way. */
  problem: { code: string; message: string } | null;
  /** The server could not take it yet. */
  isDelayed?: boolean;
}

export interface SendEntry extends Unsent<SendFrame>, EntryState {
  kind: "send";
  /** The first message of a conversation that the server does not know yet. */
  begins: boolean;
}

export interface RetryEntry extends Unsent<RetryFrame>, EntryState {
  kind: "retry";
  conversation: string;
}

export type OutboxEntry = SendEntry | RetryEntry;

const PREFIX = ownPrefix("outbox");

export const useOutbox = create<{ entries: OutboxEntry[] }>(() => ({ entries: readStored() }));

export function putEntry(entry: OutboxEntry): void {
  store(entry);
  useOutbox.setState(({ entries }) => ({ entries: [...entries.filter((other) => other.id !== entry.id), entry] }));
}

export function removeEntry(id: string): void {
  try {
    localStorage.removeItem(PREFIX + id);
  } catch {
    // storage may be switched off; the entry then lives in memory only
  }
  useOutbox.setState(({ entries }) => ({ entries: entries.filter((entry) => entry.id !== id) }));
}

/** The same words again as a new attempt (the server refused the first for good). */
export function renewEntry(entry: OutboxEntry): OutboxEntry {
  removeEntry(entry.id);
  const renewed = { ...entry, id: newId(), at: Date.now(), problem: null };
  putEntry(renewed);
  return renewed;
}

export function refuseEntry(id: string, problem: { code: string; message: string }): void {
  const entry = useOutbox.getState().entries.find((candidate) => candidate.id === id);
  if (entry) putEntry({ ...entry, problem });
}

/** The server had no time for it; it goes out again by itself. */
export function delayEntry(id: string): void {
  useOutbox.setState(({ entries }) => ({
    entries: entries.map((entry) => (entry.id === id ? { ...entry, isDelayed: true } : entry)),
  }));
}

/** Read the stored entries again: those of an earlier visit, or of a closed tab. */
export function reloadOutbox(): void {
  useOutbox.setState({ entries: readStored() });
}

export function frameOf(entry: OutboxEntry, ref: string): SendFrame | RetryFrame {
  if (entry.kind === "retry") {
    const { id, message, model, temperature } = entry;
    return { type: "retry", ref, id, message, ...given({ model, temperature }) };
  }
  const { id, conversation, text, model, temperature, assistant, instructions, memory } = entry;
  return { type: "send", ref, id, conversation, text, ...given({ model, temperature, assistant, instructions, memory }) };
}

function given<Fields extends object>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;
}

function store(entry: OutboxEntry): void {
  try {
    localStorage.setItem(PREFIX + entry.id, JSON.stringify(entry));
  } catch {
    // full or switched off: the entry is still sent while the page is open
  }
}

function readStored(): OutboxEntry[] {
  const found: OutboxEntry[] = [];
  for (const key of storedKeys()) {
    try {
      const entry = JSON.parse(localStorage.getItem(key) ?? "null") as OutboxEntry | null;
      if (entry !== null && typeof entry.id === "string") found.push(entry);
    } catch {
      localStorage.removeItem(key);
    }
  }
  return found.sort((left, right) => left.at - right.at);
}

function storedKeys(): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  } catch {
    return [];
  }
}
