import "@/features/conversation/tree-words";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Columns2, Ellipsis, GitFork, ListMinus, ListX, RotateCw, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { compare } from "@/features/conversation/comparison";
import { askForModel } from "@/features/conversation/model-question";
import { useRemoval } from "@/features/conversation/use-removal";
import { useSession } from "@/shared/connection/session-context";
import { keys } from "@/shared/data/keys";
import { answerAnew, forkConversation, reloadPath } from "@/shared/data/tree";
import { IconButton } from "@/shared/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";
import { showToast } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

/** What is done more rarely with a message: another model, a fork, deleting. */
export function MessageMenu({ message }: { message: Message }) {
  const { t } = useTranslation();
  const tryWith = useTryWith(message);
  const compareWith = useCompareWith(message);
  const fork = useFork(message);
  const remove = useRemoval(message);
  const label = t("conversation.message_actions");
  return (
    <Menu label={label} trigger={(props) => <IconButton {...props} small icon={Ellipsis} label={label} />}>
      {message.role === "assistant" && (
        <>
          <MenuItem icon={RotateCw} onSelect={tryWith}>
            {t("tree.try_with")}
          </MenuItem>
          <MenuItem icon={Columns2} onSelect={compareWith}>
            {t("tree.compare_with")}
          </MenuItem>
        </>
      )}
      <MenuItem icon={GitFork} onSelect={fork}>
        {t("tree.fork")}
      </MenuItem>
      <MenuLine />
      <MenuItem icon={Trash2} danger onSelect={() => remove("one")}>
        {t("tree.delete")}
      </MenuItem>
      <MenuItem icon={ListX} danger onSelect={() => remove("from")}>
        {t("tree.delete_from")}
      </MenuItem>
      <MenuItem icon={ListMinus} danger onSelect={() => remove("after")}>
        {t("tree.delete_after")}
      </MenuItem>
    </Menu>
  );
}

function useTryWith({ id, conversation, model }: Message): () => void {
  const session = useSession();
  return () => askForModel(model, (chosen) => session.retry({ message: id, conversation, model: chosen }));
}

/** Another model answers the same beside it; the conversation stays where it is until one of the two is chosen. */
function useCompareWith({ id, conversation, model }: Message): () => void {
  const client = useQueryClient();
  const { mutate } = useMutation({
    mutationFn: (chosen: string) => answerAnew(id, { model: chosen, beside: true }),
    onSuccess: ({ answer }) => {
      compare([id, answer]);
      return reloadPath(client, conversation);
    },
    onError: (error) => showToast(error.message),
  });
  return () => askForModel(model, mutate);
}

function useFork({ id }: Message): () => void {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { mutate } = useMutation({
    mutationFn: () => forkConversation(id),
    onSuccess: (made) => {
      client.setQueryData(keys.conversation(made.id), made);
      navigate(`/c/${made.id}`);
      showToast(t("tree.forked"));
      return client.invalidateQueries({ queryKey: keys.allConversations });
    },
    onError: (error) => showToast(error.message),
  });
  return () => mutate();
}
