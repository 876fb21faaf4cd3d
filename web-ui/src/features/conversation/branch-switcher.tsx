import "@/features/conversation/tree-words";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, Columns2 } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { neighbours } from "@/features/conversation/branches";
import { compare } from "@/features/conversation/comparison";
import { chooseMessage, reloadPath } from "@/shared/data/tree";
import { IconButton } from "@/shared/ui/icon-button";
import { showToast } from "@/shared/ui/toasts";
import type { Message, Siblings } from "@/shared/wire/resources";

/** Chosen with this switcher: the one that comes in its place takes the focus. */
let chosen: string | null = null;

interface BranchSwitcherProps {
  message: Message;
  siblings: Siblings;
}

export function BranchSwitcher({ message, siblings }: BranchSwitcherProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const group = useRef<HTMLSpanElement>(null);
  const { earlier, later } = neighbours(message.id, siblings);
  const { mutate, isPending } = useMutation({
    mutationFn: chooseMessage,
    onMutate: (id) => {
      chosen = id;
    },
    onSuccess: () => reloadPath(client, message.conversation),
    onError: (error) => showToast(error.message),
  });
  useEffect(() => {
    if (chosen !== message.id) return;
    chosen = null;
    group.current?.focus();
  }, [message.id]);
  const place = t("tree.branch_of", { position: siblings.position, count: siblings.count });
  const other = later ?? earlier;
  return (
    <span ref={group} role="group" tabIndex={-1} aria-label={`${t("tree.branches")}: ${place}`} className="-ml-1.5 inline-flex items-center rounded-sm">
      <IconButton
        small
        icon={ChevronLeft}
        label={t("tree.earlier")}
        disabled={earlier === null || isPending}
        onClick={() => earlier && mutate(earlier)}
      />
      <span aria-hidden className="tabular min-w-7 text-center text-xs text-quiet">{`${siblings.position}/${siblings.count}`}</span>
      <IconButton
        small
        icon={ChevronRight}
        label={t("tree.later")}
        disabled={later === null || isPending}
        onClick={() => later && mutate(later)}
      />
      {message.role === "assistant" && other && (
        <IconButton
          small
          icon={Columns2}
          label={t("tree.compare_these")}
          onClick={() => compare(later ? [message.id, other] : [other, message.id])}
        />
      )}
    </span>
  );
}
