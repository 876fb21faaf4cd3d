import { Quote } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { ProblemError, request } from "@/shared/http/request";
import { showToast } from "@/shared/ui/toasts";
import type { Memory } from "@/shared/wire/memories";
import type { Message } from "@/shared/wire/resources";

/** Leads to the message that a sentence rests on; where it rests on a memory, to the message that came from. */
export function Citation({ id }: { id: string }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const [isLooking, setIsLooking] = useState(false);
  const go = async () => {
    setIsLooking(true);
    try {
      navigate((await findPlace(id)) ?? "/memory");
    } catch (error) {
      const isGone = error instanceof ProblemError && error.status === 404;
      showToast(isGone ? t("markdown.citation_gone") : (error as Error).message);
    } finally {
      setIsLooking(false);
    }
  };
  const label = t("markdown.citation");
  return (
    <button type="button" className="md-citation" aria-label={label} title={label} aria-busy={isLooking} onClick={() => void go()}>
      <Quote size={11} strokeWidth={2} aria-hidden />
    </button>
  );
}

/** Null for a memory without a message. */
async function findPlace(id: string): Promise<string | null> {
  const path = encodeURIComponent(id);
  try {
    const { conversation } = await request<Message>(`/api/messages/${path}`);
    return `/c/${conversation}#m-${id}`;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 404) throw error;
  }
  const { sources } = await request<Memory>(`/api/memories/${path}`);
  const source = sources.find(({ is_gone: isGone }) => !isGone);
  return source ? `/c/${source.conversation}#m-${source.message}` : null;
}
