/** Messages that are being edited in this tab. They outlive their rows, which come and go, and a reload. */
import { create } from "zustand";

import { plainText } from "@/features/conversation/rows";
import { ownPrefix } from "@/shared/data/own-storage";
import type { Message } from "@/shared/wire/resources";

export interface Edit {
  text: string;
  /** The version of the message that is being edited. */
  version: number;
  /** It was changed elsewhere meanwhile: what it is now. */
  other: Message | null;
}

type Edits = Readonly<Record<string, Edit>>;

const STORED = ownPrefix("edits");

export const useEdits = create<{ edits: Edits }>(() => ({ edits: readStored() }));

/** Written when the page is left, or may be ended without a word: behind another one on a phone. */
function store(): void {
  const { edits } = useEdits.getState();
  try {
    if (Object.keys(edits).length === 0) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, JSON.stringify(edits));
  } catch {
    // full or switched off: an edit lasts as long as the page
  }
}

function readStored(): Edits {
  try {
    return (JSON.parse(sessionStorage.getItem(STORED) ?? "null") as Edits | null) ?? {};
  } catch {
    return {};
  }
}

addEventListener("pagehide", store);
document.addEventListener("visibilitychange", store);

export function beginEdit(message: Message): void {
  if (useEdits.getState().edits[message.id]) return;
  put(message.id, { text: plainText(message.parts), version: message.version ?? 1, other: null });
}

export function changeEdit(message: string, values: Partial<Edit>): void {
  const edit = useEdits.getState().edits[message];
  if (edit) put(message, { ...edit, ...values });
}

export function endEdit(message: string): void {
  useEdits.setState(({ edits }) => {
    const { [message]: _ended, ...rest } = edits;
    return { edits: rest };
  });
}

function put(message: string, edit: Edit): void {
  useEdits.setState(({ edits }) => ({ edits: { ...edits, [message]: edit } }));
}
