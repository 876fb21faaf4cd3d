/** Messages that are being edited here. They outlive their rows, which come and go while one scrolls. */
import { create } from "zustand";

import { plainText } from "@/features/conversation/rows";
import type { Message } from "@/shared/wire/resources";

export interface Edit {
  text: string;
  /** The version of the message that is being edited. */
  version: number;
  /** It was changed elsewhere meanwhile: what it is now. */
  other: Message | null;
}

export const useEdits = create<{ edits: Readonly<Record<string, Edit>> }>(() => ({ edits: {} }));

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
