/** What the HTTP routes under `/api` answer. Times are milliseconds since 1970, ids are opaque. */
import type * as api from "@/shared/wire/api";
import type { Continuation, ModelProfile, Part, TurnFault, Usage } from "@/shared/wire/generated";
import type { Signals } from "@/shared/wire/memories";

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export type Role = "owner" | "admin" | "member" | "guest";

export interface User {
  id: string;
  name: string;
  role: Role;
  /** IANA name; empty: the server does not know it. */
  time_zone?: string;
}

export interface Conversation {
  id: string;
  title: string;
  created_at: number;
  updated_at: number;
  model: string;
  assistant: string;
  instructions: string;
  temperature: number | null;
  running_turn: string | null;
  pinned_at?: number | null;
  archived_at?: number | null;
  deleted_at?: number | null;
  folder?: string | null;
  memory?: ConversationMemory;
}

export type Folder = api.FolderDocument;

/** Off: nothing is learned or recalled here. Private: it also leaves no trace and is gone a day after its end. */
export type ConversationMemory = "" | "off" | "private";

export type BulkAction = "pin" | "unpin" | "archive" | "unarchive" | "move" | "delete" | "restore" | "erase";

export type BulkChange = api.BulkChange;

export interface BulkResult {
  ids: string[];
  undo: { changes: BulkChange[] };
}

export type ConversationPatch = Partial<
  Pick<Conversation, "title" | "model" | "assistant" | "instructions" | "temperature" | "memory">
>;

export type MessageStatus = "complete" | "queued" | "running" | "stopped" | "failed";

/** By hand: always sent to the model, or never. */
export type MessageMark = "" | "pinned" | "excluded";

/** What `POST /api/messages` and a retry are answered with. */
export type AcceptedTurn = api.AcceptedDocument;

export interface Message {
  id: string;
  conversation: string;
  parent: string | null;
  role: "user" | "assistant";
  status: MessageStatus;
  parts: Part[];
  model: string;
  created_at: number;
  ended_at: number | null;
  turn: string | null;
  mark?: MessageMark;
  usage?: Usage | null;
  continuations?: Continuation[];
  error?: TurnFault | null;
  first_token_ms?: number | null;
  /** Counts edits, from 1. */
  version?: number;
  edited_at?: number | null;
  siblings?: Siblings | null;
  /** Measured by this page while the answer streamed; the server does not send it. */
  thought_ms?: number | null;
}

/** The messages among which the path chooses here. */
export type Siblings = api.SiblingsDocument;

export interface MessageVersion {
  version: number;
  parts: Part[];
  created_at: number;
}

/** What was deleted in one go. */
export type Deletion = api.DeletionDocument;

export type ContextKind = "instructions" | "about" | "time" | "summary" | "pinned" | "message" | "recalled" | "continuation";

/** Found elsewhere in what the user said: `messages` is what it resolves to, the best first. */
export interface RecalledSource {
  kind: "message" | "memory" | "summary";
  id: string;
  messages: string[];
  conversation: string;
  at: number;
  score: number;
  signals: Signals;
}

export interface ContextEntry {
  kind: ContextKind;
  role: string;
  at: number;
  tokens: number;
  message: string | null;
  version: number | null;
  summary: string | null;
  chars: number | null;
  sha256: string | null;
  text: string | null;
  recalled?: RecalledSource | null;
  /** What of it others wrote; empty: nothing. */
  taint?: string;
}

export interface ContextStep {
  step: number;
  attempt: number;
  started_at: number;
  model: string;
  window: number;
  window_is_known: boolean;
  budget: number;
  tokens: number;
  counted: number;
  clipped: boolean;
  clipped_at: string | null;
  stale_summaries: number;
  pins_left_out: number;
  shortened: boolean;
  no_summary: string;
  /** That the model was offered, and the tokens of their descriptions, as estimated. */
  tools?: string[];
  tool_tokens?: number;
  /** Why nothing was looked for elsewhere in the log; empty: it was. */
  no_recall?: string;
  is_exact: boolean;
  usage: Required<Usage> | null;
  cost: number | null;
  entries: ContextEntry[];
}

export interface TurnContext {
  turn: string;
  conversation: string;
  steps: ContextStep[];
}

/** It covers the messages from `first` to `last`, both within. */
export type Summary = api.SummaryDocument;

/** How much of the model's window another message would take. */
export type Window = api.WindowDocument;

export interface ModelList {
  items: ModelProfile[];
  default: string;
  /** What people call each provider. */
  labels?: Record<string, string>;
  errors: { provider: string; message: string }[];
}

export type AnswerFormat = "plain" | "tagged";

/** What an assistant's author decides. */
export interface AssistantDraft {
  name: string;
  description: string;
  instructions: string;
  /** Empty: whatever is chosen. */
  model: string;
  /** Null: the model's own. */
  temperature: number | null;
  format: AnswerFormat;
  tools: string[];
  starters: string[];
  /** Whether what is known of its user is learned and recalled. */
  uses_memory?: boolean;
}

/** As listed: without the instructions. */
export interface Assistant extends Omit<AssistantDraft, "instructions"> {
  id: string;
  kind: "built_in" | "own" | "shared";
  is_shared: boolean;
  updated_at: number;
}

export interface WholeAssistant extends Assistant {
  instructions: string;
}

export interface Snippet {
  id: string;
  name: string;
  text: string;
}

export interface Provider {
  name: string;
  label: string;
  dialect: string;
  base_url: string;
  key_set: boolean;
  key_hint: string;
  origin: "environment" | "settings" | "found";
  state: "ok" | "failing" | "unknown";
  message: string;
  models: number;
}

export interface ProviderPreset {
  name: string;
  label: string;
  dialect: string;
  base_url: string;
  needs_key: boolean;
  key_url: string;
}

export interface Import {
  id: string;
  name: string;
  /** Empty until the file was looked at. */
  format: string;
  status: "waiting" | "running" | "complete" | "failed" | "stopped";
  done_bytes: number;
  total_bytes: number;
  counts: {
    conversations: number;
    messages: number;
    known_conversations: number;
    known_messages: number;
    skipped: number;
    changed: number;
  };
  /** One sentence, or empty. */
  error: string;
  can_resume: boolean;
  created_at: number;
  ended_at: number | null;
}

export interface ImportNote {
  kind: "skipped" | "changed";
  item: string;
  reason: string;
}

export interface ProviderList {
  items: Provider[];
  presets: ProviderPreset[];
}

export interface ProviderDraft {
  name: string;
  label?: string;
  dialect?: string;
  base_url: string;
  key?: string;
}

export interface ProviderTest {
  ok: boolean;
  models: number;
  latency_ms: number;
  message: string;
  code: string;
}

export interface ServerSettings {
  default_model: string;
  public_url: string;
  data_dir: string;
  version: string;
}

/** What the index carries in `<script id="quarterdeck-settings">`. */
export interface PageSettings {
  version?: string;
  model?: string;
  user?: User | null;
  heartbeat_s?: number;
  /** The last seq of the user's feed when the index was made; missing when the log could not be read. */
  feed_after?: number;
  /** Why the page is shown like this: `link_used`. */
  notice?: string;
}
