import { ChevronDown, Sparkles } from "lucide-react";
import { Suspense, useState } from "react";
import { useTranslation } from "react-i18next";

import { useAssistants } from "@/shared/data/assistants";
import { late } from "@/shared/late/late";
import { Floating } from "@/shared/ui/floating";
import type { Assistant } from "@/shared/wire/resources";

const AssistantList = late(() => import("@/features/assistants/assistant-list"), "AssistantList");

interface AssistantPickerProps {
  value: string;
  /** Undefined is none. */
  onChange(assistant: Assistant | undefined): void;
}

/** The chosen assistant's name; pressed, a list that can be searched. */
export function AssistantPicker({ value, onChange }: AssistantPickerProps) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const assistants = useAssistants().data;
  const chosen = assistants?.find(({ id }) => id === value);
  const isGone = value !== "" && assistants !== undefined && chosen === undefined;
  const name = isGone ? t("composer.assistant_gone") : (chosen?.name ?? "");
  const choose = (assistant: Assistant | undefined) => {
    onChange(assistant);
    setIsOpen(false);
  };
  return (
    <Floating
      label={t("composer.assistant")}
      open={isOpen}
      onOpenChange={setIsOpen}
      side="top"
      align="start"
      className="w-[min(25rem,calc(100vw-1rem))]"
      trigger={(props) => (
        <button
          {...props}
          type="button"
          aria-label={t("composer.assistant_is", { name: name || t("composer.no_assistant") })}
          className="inline-flex h-9 min-w-0 items-center gap-1.5 rounded-sm px-2 text-sm text-quiet transition-colors hover:bg-hover hover:text-ink data-[state=open]:bg-hover"
        >
          <Sparkles size={15} strokeWidth={1.75} aria-hidden className={chosen ? "shrink-0 text-accent" : "shrink-0"} />
          <span className="truncate max-sm:sr-only">{name || t("composer.assistant")}</span>
          <ChevronDown size={14} strokeWidth={1.75} aria-hidden className="shrink-0 max-sm:hidden" />
        </button>
      )}
    >
      <Suspense fallback={<div className="h-64" />}>
        <AssistantList value={value} onChoose={choose} />
      </Suspense>
    </Floating>
  );
}

/** Said once above the message field: nothing was lost, and nothing need be done. */
export function AssistantNote({ value }: { value: string }) {
  const { t } = useTranslation();
  const assistants = useAssistants().data;
  if (value === "" || assistants === undefined || assistants.some(({ id }) => id === value)) return null;
  return <p className="px-1 pb-2 text-sm text-quiet text-pretty">{t("composer.assistant_gone_note")}</p>;
}
