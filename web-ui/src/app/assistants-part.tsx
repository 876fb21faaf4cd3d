import "@/features/assistants/words";

import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { useTitle } from "@/app/use-title";
import { AssistantSettings } from "@/features/assistants/assistant-settings";
import { ModelPicker } from "@/features/models/model-picker";
import { choiceOf } from "@/shared/data/assistants";
import { resetNewChat } from "@/shared/data/chat-options";
import type { ChatOptions } from "@/shared/data/chat-options";
import { useIsAdmin } from "@/shared/data/me";
import { useModels } from "@/shared/data/models";
import type { Assistant } from "@/shared/wire/resources";

const NOTHING_CHOSEN: ChatOptions = { model: "", temperature: null, assistant: "", instructions: "", memory: "" };

export function AssistantsPart() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const isAdmin = useIsAdmin();
  const models = useModels().data?.items;
  useTitle(t("settings.assistants"));
  const use = (assistant: Assistant) => {
    resetNewChat(choiceOf(assistant, undefined, NOTHING_CHOSEN, models));
    navigate("/");
  };
  return (
    <AssistantSettings
      isAdmin={isAdmin}
      onUse={use}
      modelPicker={(value, onChange) => <ModelPicker value={value} onChange={onChange} side="bottom" />}
    />
  );
}
