import { Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { ContextDrawer } from "@/app/context-drawer";
import { IdeasDrawer } from "@/app/ideas-drawer";
import { setShell, useShell } from "@/app/shell-state";
import { SidebarButton } from "@/app/sidebar-button";
import { useAssistant } from "@/app/use-assistant";
import { useConversationId, useServerId, useSettledAddress } from "@/app/use-conversation-id";
import { useDeletion } from "@/app/use-deletion";
import { SHORTCUT_KEYS } from "@/app/use-global-shortcuts";
import { useTitle } from "@/app/use-title";
import { useSetupNeeded } from "@/app/use-setup-needed";
import { AssistantNote, AssistantPicker } from "@/features/assistants/assistant-picker";
import { Advanced } from "@/features/composer/advanced";
import { Composer } from "@/features/composer/composer";
import type { ComposerHandle } from "@/features/composer/composer";
import { MemoryNote } from "@/features/composer/memory-choice";
import { WindowGauge } from "@/features/context/window-gauge";
import { noteSent, useAnswerBeside, wantBeside } from "@/features/conversation/beside";
import { BesideNote } from "@/features/conversation/beside-note";
import { ConversationHeader } from "@/features/conversation/conversation-header";
import { ConversationView } from "@/features/conversation/conversation-view";
import { exportConversation } from "@/features/conversation/export-conversation";
import type { ExportFormat } from "@/features/conversation/export-conversation";
import { GoneNote } from "@/features/conversation/gone-note";
import { LogLine } from "@/features/logline/log-line";
import { compare, useComparison } from "@/features/conversation/comparison";
import { askForModel, dropQuestion, useModelQuestion } from "@/features/conversation/model-question";
import { ModelPicker } from "@/features/models/model-picker";
import { Welcome } from "@/features/welcome/welcome";
import type { Starter } from "@/features/welcome/welcome";
import { newId } from "@/shared/connection/ids";
import { useOutbox } from "@/shared/connection/outbox";
import { useSession } from "@/shared/connection/session-context";
import { changeNewChat, useChatOptions } from "@/shared/data/chat-options";
import { showContext } from "@/shared/data/context";
import { useChangeConversation, useConversation } from "@/shared/data/conversations";
import { useMessages } from "@/shared/data/messages";
import { ProblemError } from "@/shared/http/request";
import { useShortcuts } from "@/shared/keyboard/shortcuts";
import { late } from "@/shared/late/late";
import { DialogNotLoaded, PageNotLoaded } from "@/shared/late/not-loaded";
import { TIGHT, useMedia } from "@/shared/ui/use-media";
import { showToast } from "@/shared/ui/toasts";

const Setup = late(() => import("@/features/setup/setup"), "Setup", () => <PageNotLoaded />);
const ShareDialog = late(() => import("@/features/share/share-dialog"), "ShareDialog", DialogNotLoaded);
const ModelQuestion = late(
  () => import("@/app/model-question"),
  "ModelQuestion",
  () => <DialogNotLoaded onClose={dropQuestion} />,
);
const CompareDialog = late(
  () => import("@/features/conversation/compare-dialog"),
  "CompareDialog",
  () => <DialogNotLoaded onClose={() => compare(null)} />,
);

/** Composes header, messages or beginning, composer and ideas for one conversation, or for a new one. */
export function ConversationPage({ id: routeId }: { id: string | null }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const session = useSession();
  const id = useConversationId();
  useSettledAddress(routeId);
  const isUnsent = useOutbox((state) =>
    state.entries.some((entry) => entry.kind === "send" && entry.begins && entry.conversation === id),
  );
  const isStored = id !== null && !isUnsent;
  const { data: conversation, error } = useConversation(id, isStored);
  const gone = isStored && error instanceof ProblemError && error.status === 404 ? error.code : null;
  useServerId(id, conversation?.id);
  const [options, change] = useChatOptions(conversation);
  const turn = useRunningTurn(id, isStored);
  const { messages } = useMessages(id, isStored);
  const tip = messages.findLast((message) => message.status !== "running")?.id;
  useAnswerBeside(messages);
  useEffect(() => () => showContext(null), [id]);
  const [isSharing, setIsSharing] = useState(false);
  const [stopping, setStopping] = useState<string | null>(null);
  const composer = useRef<ComposerHandle>(null);
  const [isSetupNeeded, skipSetup] = useSetupNeeded();
  const assistant = useAssistant(options, change);
  const ideas = useIdeasShown(assistant.hasIdeas);
  const { mutate: patch } = useChangeConversation();
  const remove = useDeletion();

  const setModel = (model: string) => change({ model });
  const title = conversation?.title || (id === null ? t("conversation.new") : t("conversation.untitled"));
  useTitle(id === null ? "" : title);

  const send = (text: string) => {
    const target = id ?? newId();
    const { model, temperature, instructions } = options;
    session.send({
      conversation: target,
      begins: id === null,
      text,
      ...(model ? { model } : {}),
      ...(temperature === null ? {} : { temperature }),
      assistant: options.assistant,
      instructions,
      ...(id === null && options.memory ? { memory: options.memory } : {}),
    });
    noteSent(target, messages.at(-1)?.id);
    if (id === null) navigate(`/c/${target}`);
  };
  const stop = () => {
    if (turn === null) return;
    if (session.stop(turn)) setStopping(turn);
    else showToast(t("conversation.stop_failed"));
  };
  const exportAs = (format: ExportFormat) => {
    if (!conversation) return;
    exportConversation(conversation.id, format);
    if (turn !== null) showToast(t("conversation.export_unfinished"));
  };
  const start = ({ text, assistant: wanted = "", model }: Starter) => {
    changeNewChat({ assistant: wanted, ...(model ? { model } : {}) });
    composer.current?.write(text);
  };
  useShortcuts(
    useMemo(
      () => [
        { id: "ideas_panel", keys: SHORTCUT_KEYS.ideas_panel, run: ideas.toggle },
        { id: "stop", keys: SHORTCUT_KEYS.stop, run: () => turn !== null && session.stop(turn) },
      ],
      [ideas.toggle, session, turn],
    ),
  );

  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col">
        <ConversationHeader
          key={id}
          title={title}
          onRename={conversation ? (next) => patch({ id: conversation.id, patch: { title: next } }) : null}
          onShare={conversation?.memory === "private" ? null : () => setIsSharing(true)}
          onExport={exportAs}
          onDelete={() => conversation && remove(conversation)}
          areIdeasShown={ideas.areShown}
          onToggleIdeas={ideas.toggle}
          sidebarButton={<SidebarButton />}
        />
        {id !== null ? (
          <ConversationView conversation={id} isStored={isStored} LogLine={LogLine} />
        ) : isSetupNeeded ? (
          <Suspense fallback={<div className="flex-1" />}>
            <Setup onSkip={skipSetup} />
          </Suspense>
        ) : (
          <Welcome assistant={assistant.chosen} onStart={start} />
        )}
        {!(id === null && isSetupNeeded) && (
          <div className="qd-column shrink-0 pb-[max(1rem,env(safe-area-inset-bottom))]">
            {id !== null && gone !== null && <GoneNote conversation={id} wasDeleted={gone === "deleted"} />}
            <AssistantNote value={options.assistant} />
            <MemoryNote value={options.memory} />
            <BesideNote />
            <Composer
              key={id}
              ref={composer}
              conversation={id}
              onSend={send}
              onStop={turn === null ? null : stop}
              isStopping={stopping !== null && stopping === turn}
              controls={
                <>
                  <ModelPicker value={options.model} onChange={setModel} />
                  <AssistantPicker value={options.assistant} onChange={assistant.choose} />
                  <Advanced key={id} options={options} onChange={change} onCompare={() => askForModel("", wantBeside)} />
                  <WindowGauge conversation={isStored ? id : null} model={options.model} tip={tip} />
                </>
              }
            />
          </div>
        )}
      </div>
      <ContextDrawer key={`context-${id}`} />
      {isSharing && conversation && (
        <Suspense>
          <ShareDialog conversation={conversation.id} onClose={() => setIsSharing(false)} />
        </Suspense>
      )}
      <TreeDialogs key={`tree-${id}`} />
      {ideas.areShown && <IdeasDrawer conversation={id} turn={turn} onClose={ideas.hide} />}
    </div>
  );
}

/** What messages ask for: another model, and two answers beside each other. */
function TreeDialogs() {
  const isAsked = useModelQuestion((state) => state.answer !== null);
  const isComparing = useComparison((state) => state.compared !== null);
  return (
    <Suspense>
      {isAsked && <ModelQuestion />}
      {isComparing && <CompareDialog />}
    </Suspense>
  );
}

/** The turn that is being written, before those that wait for it; changes only when one begins or ends. */
function useRunningTurn(id: string | null, isStored: boolean): string | null {
  const { messages } = useMessages(id, isStored);
  const running = messages.find((message) => message.status === "running" || message.status === "queued");
  return running?.turn ?? null;
}

/** Shown when asked for, and by itself on a wide screen where an assistant collects ideas. */
function useIdeasShown(hasIdeas: boolean) {
  const wanted = useShell((state) => state.areIdeasShown);
  const isTight = useMedia(TIGHT);
  const areShown = wanted ?? (hasIdeas && !isTight);
  return useMemo(
    () => ({
      areShown,
      toggle: () => setShell({ areIdeasShown: !areShown }),
      hide: () => setShell({ areIdeasShown: false }),
    }),
    [areShown],
  );
}
