import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { useConversation, useConversations } from "@/shared/data/conversations";
import { SelectField } from "@/shared/form/select-field";
import { Field } from "@/shared/ui/field";

interface ConversationFilterProps {
  /** Its id; empty: any. */
  value: string;
  onChange(id: string): void;
}

/** One of the latest conversations, those in the archive too; where there are more, they are found by their titles. */
export function ConversationFilter({ value, onChange }: ConversationFilterProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const current = useConversations(search);
  const archived = useConversations(search, { kind: "archive" });
  const found = [...current.conversations, ...archived.conversations];
  const chosen = useConversation(value || null).data;
  const isListed = value === "" || found.some(({ id }) => id === value);
  const options = [
    { value: "", label: t("memory.any_conversation") },
    ...(isListed ? [] : [{ value, label: chosen?.title || t("memory.this_conversation") }]),
    ...found.map(({ id, title }) => ({ value: id, label: title || t("sidebar.untitled") })),
  ];
  const isLong = typed !== "" || current.hasNextPage || archived.hasNextPage;
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <SelectField
        label={t("memory.conversation_label")}
        value={value}
        options={options}
        hint={search !== "" && found.length === 0 ? t("memory.no_such_conversation") : undefined}
        onChange={onChange}
      />
      {isLong && (
        <Field
          label={t("memory.conversation_search")}
          type="search"
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
    </div>
  );
}
