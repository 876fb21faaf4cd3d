import { ChevronDown, Eraser, PencilLine, Pin } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { noteForgotten } from "@/features/memory/forgotten";
import { useChangeMemory, useForget, useUndo } from "@/features/memory/memory-data";
import { MemoryDetails } from "@/features/memory/memory-details";
import { MemoryForm, useKeptMemory } from "@/features/memory/memory-form";
import type { KeptMemory } from "@/features/memory/memory-form";
import { MemoryLine } from "@/features/memory/memory-line";
import { classNames } from "@/shared/ui/class-names";
import { IconButton } from "@/shared/ui/icon-button";
import { showToast, showWhenDone } from "@/shared/ui/toasts";
import type { Memory } from "@/shared/wire/memories";

/** A memory: what it says, since when, where it comes from, and what can be done with it. */
export function MemoryRow({ memory }: { memory: Memory }) {
  const [isOpen, setIsOpen] = useState(false);
  const [isEditing, setIsEditing] = useState(false);
  const kept = useKeptMemory(memory.id, memory);
  return (
    <li className="border-b border-line py-3.5">
      {isEditing || kept.isKept ? (
        <MemoryEditor memory={memory} kept={kept} onDone={() => setIsEditing(false)} />
      ) : (
        <>
          <p
            dir="auto"
            className={classNames(
              "font-reading text-[0.9375rem] leading-6 wrap-anywhere text-pretty whitespace-pre-line",
              memory.state !== "current" && "text-quiet",
            )}
          >
            {memory.text}
          </p>
          <div className="flex items-end gap-x-4">
            <MemoryLine memory={memory} />
            <RowTools memory={memory} isOpen={isOpen} onToggle={() => setIsOpen(!isOpen)} onEdit={() => setIsEditing(true)} />
          </div>
          {isOpen && <MemoryDetails memory={memory} />}
        </>
      )}
    </li>
  );
}

interface RowToolsProps {
  memory: Memory;
  isOpen: boolean;
  onToggle(): void;
  onEdit(): void;
}

function RowTools({ memory, isOpen, onToggle, onEdit }: RowToolsProps) {
  const { t } = useTranslation();
  const change = useChangeMemory();
  const forget = useForget();
  const { pinned, text } = memory;
  const fail = (error: Error) => showToast(error.message);
  return (
    <span className="-mr-1.5 flex shrink-0 items-center">
      <IconButton
        small
        icon={Pin}
        label={pinned ? t("memory.unpin", { text }) : t("memory.pin", { text })}
        title={pinned ? t("memory.unpin_short") : t("memory.pin_short")}
        aria-pressed={pinned}
        className={pinned ? "[&_svg]:fill-current" : undefined}
        disabled={change.isPending}
        onClick={() => change.mutate({ memory, change: { pinned: !pinned } }, { onError: fail })}
      />
      <IconButton small icon={PencilLine} label={t("memory.edit", { text })} title={t("memory.edit_short")} onClick={onEdit} />
      <IconButton
        small
        icon={Eraser}
        label={t("memory.forget", { text })}
        title={t("memory.forget_short")}
        disabled={forget.isPending}
        onClick={() =>
          forget.mutate(memory, { onSuccess: ({ undo_until }) => noteForgotten(memory, undo_until), onError: fail })
        }
      />
      <IconButton
        small
        icon={ChevronDown}
        label={t("memory.details", { text })}
        title={t("memory.details_short")}
        aria-expanded={isOpen}
        className={isOpen ? "[&_svg]:rotate-180" : undefined}
        onClick={onToggle}
      />
    </span>
  );
}

function MemoryEditor({ memory, kept, onDone }: { memory: Memory; kept: KeptMemory; onDone(): void }) {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useChangeMemory();
  const undo = useUndo();
  const read = { ...memory, version: kept.value.version ?? memory.version }; // changed elsewhere since, it is refused
  const finish = ({ id, version, supersedes }: Memory) => {
    kept.drop();
    onDone();
    if (supersedes.every((other) => memory.supersedes.includes(other))) return;
    const part = () => void showWhenDone(undo.mutateAsync({ id, version }).then(() => null));
    showToast(t("memory.united"), { label: t("memory.undo"), run: part });
  };
  return (
    <MemoryForm
      kept={kept}
      start={memory}
      label={t("memory.edit", { text: memory.text })}
      isPending={isPending}
      error={error?.message}
      onSave={(draft) => mutate({ memory: read, change: draft }, { onSuccess: finish })}
      onCancel={onDone}
    />
  );
}
