import { Suspense, useState } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { endEdit, useEdits } from "@/features/conversation/edits";
import { late } from "@/shared/late/late";
import { DialogNotLoaded, NotLoaded } from "@/shared/late/not-loaded";
import { fullTime } from "@/shared/time/format";
import type { Message } from "@/shared/wire/resources";

const EditBox = late(() => import("@/features/conversation/edit-box"), "EditBox", ({ message }) => (
  <div className="-mx-4">
    <NotLoaded onClose={() => endEdit(message.id)} />
  </div>
));
const VersionsDialog = late(() => import("@/features/conversation/versions-dialog"), "VersionsDialog", DialogNotLoaded);

/** What a message says, or the box in which that is being edited. */
export function Edited({ message, children }: { message: Message; children: ReactNode }) {
  const edit = useEdits((edits) => edits[message.id]);
  if (!edit) return children;
  return (
    <Suspense fallback={children}>
      <EditBox message={message} edit={edit} />
    </Suspense>
  );
}

/** Says that a message was edited, and opens what it said before. */
export function EditedNote({ message }: { message: Message }) {
  const { t, i18n } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  if ((message.version ?? 1) < 2) return null;
  return (
    <>
      <button
        type="button"
        title={message.edited_at ? fullTime(message.edited_at, i18n.language) : undefined}
        aria-haspopup="dialog"
        onClick={() => setIsOpen(true)}
        className="min-h-7 rounded-sm px-1 text-xs text-quiet underline decoration-line-strong underline-offset-3 hover:text-ink"
      >
        {t("conversation.edited")}
      </button>
      {isOpen && (
        <Suspense>
          <VersionsDialog message={message} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
