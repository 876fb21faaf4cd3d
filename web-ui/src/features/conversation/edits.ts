/** Messages that are being edited in this tab, by their ids. They outlive their rows, which come and go, and a reload. */
import { plainText } from "@/features/conversation/rows";
import { createKept } from "@/shared/data/tab-storage";
import type { Message } from "@/shared/wire/resources";

export interface Edit {
  text: string;
  /** The version of the message that is being edited. */
  version: number;
  /** It was changed elsewhere meanwhile: what it is now. */
  other: Message | null;
}

export const useEdits = createKept<Readonly<Record<string, Edit>>>("edits");

export function beginEdit(message: Message): void {
  if (useEdits.getState()[message.id]) return;
  resumeEdit(message.id, { text: plainText(message.parts), version: message.version ?? 1, other: null });
}

export function changeEdit(message: string, values: Partial<Edit>): void {
  const edit = useEdits.getState()[message];
  if (edit) resumeEdit(message, { ...edit, ...values });
}

export function endEdit(message: string): void {
  const { [message]: _ended, ...rest } = useEdits.getState();
  useEdits.setState(rest, true);
}

/** Begins it where it was left. */
export function resumeEdit(message: string, edit: Edit): void {
  useEdits.setState({ [message]: edit });
}
