import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { Lightbulb } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useDeleteIdea, useIdeas } from "@/features/ideas/ideas-data";
import { IdeaCard, LiveIdea } from "@/features/ideas/idea-card";
import { keys } from "@/shared/data/keys";

/** How the ideas of an answer come into being; shown where there are none. */
export function NoIdeas() {
  const { t } = useTranslation();
  return (
    <div className="ideas-empty">
      <Lightbulb size={20} strokeWidth={1.5} aria-hidden />
      <p>{t("ideas.none")}</p>
      <p>{t("ideas.how")}</p>
      <p className="ideas-example">{t("ideas.example")}</p>
    </div>
  );
}

/** A reading that began before the answer's end may lack its last ideas: it is given up. */
async function readAnew(client: QueryClient, conversation: string | null): Promise<void> {
  const queryKey = keys.ideas(conversation);
  await client.cancelQueries({ queryKey });
  await client.invalidateQueries({ queryKey });
}

/**
 * The ideas that stream in, kept on show after the answer's end until they are read back from the server, so
 * that no card blinks.
 */
function useLiveIdeas(conversation: string | null, live: readonly string[]): readonly string[] {
  const client = useQueryClient();
  const [held, setHeld] = useState(live);
  if (live.length > 0 && live !== held) setHeld(live);
  const hasEnded = live.length === 0 && held.length > 0;
  useEffect(() => {
    if (!hasEnded) return;
    let isWanted = true;
    void readAnew(client, conversation).then(() => isWanted && setHeld([]));
    return () => {
      isWanted = false;
    };
  }, [hasEnded, client, conversation]);
  return live.length > 0 ? live : held;
}

type IdeasPanelProps = {
  /** The stored conversation, or null for one that has not begun. */
  conversation: string | null;
  /** The ideas of the answer that is being written, the last one perhaps unfinished. */
  live: readonly string[];
};

function PanelBody({ conversation, live }: IdeasPanelProps) {
  const { t } = useTranslation();
  const { ideas, isPending, error } = useIdeas(conversation, conversation !== null);
  const remove = useDeleteIdea();
  const streaming = useLiveIdeas(conversation, live);
  const stored = new Set(ideas.map((idea) => idea.text));
  const fresh = streaming.filter((text) => text !== "" && !stored.has(text));
  if (error) return <p className="ideas-note">{error.message}</p>;
  if (fresh.length === 0 && ideas.length === 0) return isPending && conversation !== null ? null : <NoIdeas />;
  const ordered = [...ideas].sort((one, other) => one.created_at - other.created_at);
  return (
    <ol className="ideas-list" aria-label={t("ideas.title")}>
      {ordered.map((idea) => (
        <IdeaCard key={idea.id} idea={idea} origin={t("ideas.to_message")} onDelete={remove.mutate} />
      ))}
      {fresh.map((text, index) => (
        <LiveIdea key={index} text={text} />
      ))}
    </ol>
  );
}

/** The ideas of one conversation: cards that fill while the answer streams. */
export function IdeasPanel({ conversation, live }: IdeasPanelProps) {
  return (
    <div className="ideas-panel">
      <PanelBody key={conversation} conversation={conversation} live={live} />
    </div>
  );
}
