import "@/features/conversation/tree-words";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId } from "react";
import { useTranslation } from "react-i18next";

import { AnswerParts } from "@/features/conversation/answer-parts";
import { viewAnswer } from "@/features/conversation/answer-view";
import { compare, useComparison } from "@/features/conversation/comparison";
import { Waiting } from "@/features/conversation/waiting";
import { useTurnOutline } from "@/shared/connection/live-turns";
import { useSession } from "@/shared/connection/session-context";
import { keys } from "@/shared/data/keys";
import { shortName } from "@/shared/data/models";
import { chooseMessage, fetchMessage, reloadPath } from "@/shared/data/tree";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { showToast } from "@/shared/ui/toasts";
import type { Message } from "@/shared/wire/resources";

const close = () => compare(null);

/** Two answers to the same question; the conversation goes on from the one that is chosen. */
export function CompareDialog() {
  const { t } = useTranslation();
  const compared = useComparison((state) => state.compared);
  useEffect(() => close, []);
  return (
    <Dialog title={t("tree.compare")} onClose={close} className="w-[min(76rem,calc(100vw-2rem))]">
      <div className="grid gap-x-8 gap-y-6 p-5 md:grid-cols-2">
        {compared?.map((id) => (
          <Side key={id} id={id} />
        ))}
      </div>
    </Dialog>
  );
}

function Side({ id }: { id: string }) {
  const { data: message, error } = useQuery({
    queryKey: keys.message(id),
    queryFn: ({ signal }) => fetchMessage(id, signal),
    staleTime: 0,
  });
  if (error) return <p className="text-sm">{error.message}</p>;
  return message ? <Answer message={message} /> : <div className="min-h-40" />;
}

function Answer({ message }: { message: Message }) {
  const { t } = useTranslation();
  const heading = useId();
  const picture = useFollowed(message);
  const view = viewAnswer(message, picture, null);
  const client = useQueryClient();
  const choosing = useMutation({
    mutationFn: () => chooseMessage(message.id),
    onSuccess: () => {
      close();
      return reloadPath(client, message.conversation);
    },
    onError: (error) => showToast(error.message),
  });
  return (
    <article aria-labelledby={heading} aria-busy={view.isLive} className="flex min-w-0 flex-col">
      <h3 id={heading} title={message.model} className="truncate pb-1 text-sm font-medium text-accent">
        {shortName(message.model)}
      </h3>
      <div className="flex-1">
        <AnswerParts view={view} turn={message.turn ?? ""} />
        {view.isLive && view.open === null && <Waiting view={view} model={message.model} isUnsent={false} />}
        {view.error && <p className="py-2 text-sm text-danger">{view.error.message}</p>}
      </div>
      <Button className="mt-4 self-start" disabled={choosing.isPending} onClick={() => choosing.mutate()}>
        {t("tree.go_on")}
      </Button>
    </article>
  );
}

/** The answer as it is being written, and asked for again when it has ended. */
function useFollowed(message: Message) {
  const session = useSession();
  const client = useQueryClient();
  const picture = useTurnOutline(message.turn);
  const isFollowed = picture !== null;
  const isOpen = message.status === "running" || message.status === "queued";
  useEffect(() => session.followRunning([message]), [session, message]);
  useEffect(() => {
    if (!isOpen || !isFollowed) return undefined;
    return () => void client.invalidateQueries({ queryKey: keys.message(message.id) });
  }, [client, isOpen, isFollowed, message.id]);
  return picture;
}
