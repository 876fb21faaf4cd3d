import { EyeOff } from "lucide-react";
import { useTranslation } from "react-i18next";

import { SelectField } from "@/shared/form/select-field";
import type { ConversationMemory } from "@/shared/wire/resources";

interface MemoryChoiceProps {
  value: ConversationMemory;
  onChange(value: ConversationMemory): void;
}

/** Whether this conversation is remembered. */
export function MemoryChoice({ value, onChange }: MemoryChoiceProps) {
  const { t } = useTranslation();
  const hints = { "": undefined, off: t("composer.memory_off_hint"), private: t("composer.memory_private_hint") };
  return (
    <SelectField
      label={t("composer.memory")}
      hint={hints[value]}
      value={value}
      options={[
        { value: "", label: t("composer.memory_usual") },
        { value: "off", label: t("composer.memory_off") },
        { value: "private", label: t("composer.memory_private") },
      ]}
      onChange={onChange}
    />
  );
}

/** Says above the message field that what is written here is not remembered. */
export function MemoryNote({ value }: { value: ConversationMemory }) {
  const { t } = useTranslation();
  if (value === "") return null;
  return (
    <p className="flex items-center gap-2 px-1 pb-2 text-sm text-quiet">
      <EyeOff size={15} strokeWidth={1.75} aria-hidden className="shrink-0" />
      {value === "private" ? t("composer.memory_private_hint") : t("composer.memory_off_hint")}
    </p>
  );
}
