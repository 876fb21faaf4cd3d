import { useTranslation } from "react-i18next";

import { ConversationFilter } from "@/features/memory/conversation-filter";
import { isFiltered, KINDS, NO_FILTER, STATES } from "@/features/memory/wanted";
import type { Wanted } from "@/features/memory/wanted";
import { SelectField } from "@/shared/form/select-field";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

interface MemoryFiltersProps {
  wanted: Wanted;
  onChange(change: Partial<Wanted>): void;
}

export function MemoryFilters({ wanted, onChange }: MemoryFiltersProps) {
  const { t } = useTranslation();
  return (
    <fieldset className="grid grid-cols-2 gap-3 sm:grid-cols-3">
      <legend className="sr-only">{t("memory.filters")}</legend>
      <SelectField
        label={t("memory.kind_label")}
        value={wanted.kind}
        options={[{ value: "", label: t("memory.any_kind") }, ...KINDS.map((kind) => ({ value: kind, label: t(`memory.kinds.${kind}`) }))]}
        onChange={(kind) => onChange({ kind })}
      />
      <SelectField
        label={t("memory.state_label")}
        value={wanted.state || "current"}
        options={STATES.map((state) => ({ value: state, label: t(`memory.state.${state}`) }))}
        onChange={(state) => onChange({ state: state === "current" ? "" : state })}
      />
      <SelectField
        label={t("memory.pinned_label")}
        value={wanted.pinned}
        options={[
          { value: "", label: t("memory.pinned_or_not") },
          { value: "1", label: t("memory.only_pinned") },
        ]}
        onChange={(pinned) => onChange({ pinned })}
      />
      <ConversationFilter value={wanted.conversation} onChange={(conversation) => onChange({ conversation })} />
      <Field label={t("memory.said_from")} type="date" value={wanted.from} onChange={(event) => onChange({ from: event.target.value })} />
      <Field label={t("memory.said_to")} type="date" value={wanted.to} onChange={(event) => onChange({ to: event.target.value })} />
      {isFiltered(wanted) && (
        <Button kind="quiet" className="justify-self-start" onClick={() => onChange(NO_FILTER)}>
          {t("memory.clear")}
        </Button>
      )}
    </fieldset>
  );
}
