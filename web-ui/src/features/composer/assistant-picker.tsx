import { ChevronDown, Sparkles } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useAssistants } from "@/shared/data/models";
import { Menu, MenuChoice } from "@/shared/ui/menu";

interface AssistantPickerProps {
  value: string;
  onChange(assistant: string): void;
}

export function AssistantPicker({ value, onChange }: AssistantPickerProps) {
  const { t } = useTranslation();
  const assistants = (useAssistants().data?.items ?? []).filter((assistant) => assistant.id !== "");
  if (assistants.length === 0) return null;
  const chosen = assistants.find((assistant) => assistant.id === value);
  return (
    <Menu
      label={t("composer.assistant")}
      align="start"
      side="top"
      trigger={(props) => (
        <button
          {...props}
          type="button"
          aria-label={t("composer.assistant_is", { name: chosen?.name ?? t("composer.no_assistant") })}
          className="inline-flex h-9 min-w-0 items-center gap-1.5 rounded-sm px-2 text-sm text-quiet transition-colors hover:bg-hover hover:text-ink data-[state=open]:bg-hover"
        >
          <Sparkles size={15} strokeWidth={1.75} aria-hidden className={chosen ? "shrink-0 text-accent" : "shrink-0"} />
          <span className="truncate max-sm:sr-only">{chosen?.name ?? t("composer.assistant")}</span>
          <ChevronDown size={14} strokeWidth={1.75} aria-hidden className="shrink-0 max-sm:hidden" />
        </button>
      )}
    >
      <MenuChoice
        title={t("composer.no_assistant")}
        hint={t("composer.no_assistant_hint")}
        isChosen={chosen === undefined}
        onSelect={() => onChange("")}
      />
      {assistants.map((assistant) => (
        <MenuChoice
          key={assistant.id}
          title={assistant.name}
          hint={assistant.description}
          isChosen={assistant.id === value}
          onSelect={() => onChange(assistant.id)}
        />
      ))}
    </Menu>
  );
}
