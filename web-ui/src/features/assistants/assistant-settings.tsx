import "@/features/assistants/words";

import { Plus } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";

import { AssistantEditor } from "@/features/assistants/assistant-editor";
import { AssistantRow } from "@/features/assistants/assistant-row";
import { useAssistants } from "@/shared/data/assistants";
import { Section } from "@/shared/form/section";
import { Button } from "@/shared/ui/button";
import type { Assistant } from "@/shared/wire/resources";

interface AssistantSettingsProps {
  isAdmin: boolean;
  /** Begin a conversation with it. */
  onUse(assistant: Assistant): void;
  modelPicker(value: string, onChange: (model: string) => void): ReactNode;
}

/** What is open in the editor: a new one, one of one's own, or a copy of any. */
export type Opened = { kind: "new"; id?: undefined } | { kind: "own" | "copy"; id: string };

const PLACE = "/settings/assistants";

/** The editor has an address of its own, so that one comes back from it, and to it after a reload. */
function readOpened(query: string): Opened | null {
  const asked = new URLSearchParams(query);
  for (const kind of ["own", "copy"] as const) {
    const id = asked.get(kind);
    if (id) return { kind, id };
  }
  return asked.has("new") ? { kind: "new" } : null;
}

export function AssistantSettings({ isAdmin, onUse, modelPicker }: AssistantSettingsProps) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const opened = readOpened(useSearch());
  const open = ({ kind, id = "" }: Opened) => navigate(`${PLACE}?${new URLSearchParams({ [kind]: id }).toString()}`);
  const assistants = useAssistants().data;
  if (opened !== null) {
    return <AssistantEditor opened={opened} isAdmin={isAdmin} modelPicker={modelPicker} onDone={() => navigate(PLACE)} />;
  }
  return (
    <Section title={t("assistants.title")} lead={t("assistants.lead")}>
      <Button kind="primary" onClick={() => open({ kind: "new" })}>
        <Plus size={16} aria-hidden />
        {t("assistants.new")}
      </Button>
      <ul className="mt-6 border-t border-line">
        {assistants?.map((assistant) => (
          <AssistantRow key={assistant.id} assistant={assistant} isAdmin={isAdmin} onUse={onUse} onOpen={open} />
        ))}
      </ul>
      {assistants?.every(({ kind }) => kind !== "own") && (
        <p className="pt-5 text-sm leading-6 text-quiet text-pretty">
          {t("assistants.none")} {t("assistants.none_lead")}
        </p>
      )}
    </Section>
  );
}
