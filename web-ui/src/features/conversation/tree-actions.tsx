import { Ellipsis, Pencil } from "lucide-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";

import { beginEdit } from "@/features/conversation/edits";
import { late } from "@/shared/late/late";
import { ButtonNotLoaded } from "@/shared/late/not-loaded";
import { IconButton } from "@/shared/ui/icon-button";
import type { Message } from "@/shared/wire/resources";

const MessageMenu = late(() => import("@/features/conversation/message-menu"), "MessageMenu", ButtonNotLoaded);
const BranchSwitcher = late(() => import("@/features/conversation/branch-switcher"), "BranchSwitcher", ButtonNotLoaded);

export function EditAction({ message }: { message: Message }) {
  const { t } = useTranslation();
  if (message.status === "running" || message.status === "queued") return null;
  return <IconButton small icon={Pencil} label={t("conversation.edit")} onClick={() => beginEdit(message)} />;
}

export function MoreActions({ message }: { message: Message }) {
  const { t } = useTranslation();
  const standIn = <IconButton small icon={Ellipsis} label={t("conversation.message_actions")} disabled />;
  return (
    <Suspense fallback={standIn}>
      <MessageMenu message={message} />
    </Suspense>
  );
}

/** Shown where there is more than one message in this place. */
export function Switcher({ message }: { message: Message }) {
  if (!message.siblings || message.siblings.count < 2) return null;
  return (
    <Suspense fallback={<span className="inline-block h-7" />}>
      <BranchSwitcher message={message} siblings={message.siblings} />
    </Suspense>
  );
}
