import { ArrowUpRight, Check, Copy, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import type { Idea } from "@/features/ideas/ideas-data";
import { clock, shortDay } from "@/shared/time/format";
import { Button } from "@/shared/ui/button";
import { copyText } from "@/shared/ui/copy-text";
import { IconButton } from "@/shared/ui/icon-button";
import "./ideas.css";

const CONFIRMATION_MS = 1_600;

function CopyIdea({ text }: { text: string }) {
  const { t } = useTranslation();
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), CONFIRMATION_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      small
      icon={isCopied ? Check : Copy}
      label={isCopied ? t("ideas.copied") : t("ideas.copy")}
      onClick={() => void copyText(text).then(setIsCopied)}
    />
  );
}

type QuestionProps = { onDelete: () => void; onKeep: () => void };

function Question({ onDelete, onKeep }: QuestionProps) {
  const { t } = useTranslation();
  return (
    <p className="idea-question">
      <span>{t("ideas.really")}</span>
      <Button kind="danger" className="min-h-7 px-2.5 py-0.5" onClick={onDelete} autoFocus>
        {t("ideas.delete")}
      </Button>
      <Button kind="quiet" className="min-h-7 px-2.5 py-0.5" onClick={onKeep}>
        {t("ideas.keep")}
      </Button>
    </p>
  );
}

type IdeaCardProps = {
  idea: Idea;
  /** Where it comes from, in words. */
  origin: string;
  onDelete: (id: string) => void;
};

export function IdeaCard({ idea, origin, onDelete }: IdeaCardProps) {
  const { t, i18n } = useTranslation();
  const [isAsking, setIsAsking] = useState(false);
  const language = i18n.resolvedLanguage ?? "en";
  return (
    <li className="idea">
      <p className="idea-text" dir="auto">
        {idea.text}
      </p>
      {isAsking ? (
        <Question onDelete={() => onDelete(idea.id)} onKeep={() => setIsAsking(false)} />
      ) : (
        <div className="idea-foot">
          <Link className="idea-origin" href={`/c/${idea.conversation}#m-${idea.message}`} title={t("ideas.jump")}>
            <span className="idea-title">{origin}</span>
            <ArrowUpRight size={13} aria-hidden />
          </Link>
          <time dateTime={new Date(idea.created_at).toISOString()} title={shortDay(idea.created_at, 0, language)}>
            {clock(idea.created_at, language)}
          </time>
          <span className="idea-tools">
            <CopyIdea text={idea.text} />
            <IconButton small icon={Trash2} label={t("ideas.delete")} onClick={() => setIsAsking(true)} />
          </span>
        </div>
      )}
    </li>
  );
}

/** An idea whose answer is still being written. */
export function LiveIdea({ text }: { text: string }) {
  return (
    <li className="idea idea-live">
      <p className="idea-text" dir="auto">
        {text}
      </p>
    </li>
  );
}
