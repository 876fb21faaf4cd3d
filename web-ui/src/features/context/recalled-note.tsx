import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { Citation } from "@/shared/markdown/citation";
import { Why } from "@/shared/recall/why";
import { fullTime } from "@/shared/time/format";
import type { RecalledSource } from "@/shared/wire/resources";

const LINK = "text-accent underline";

/** Why something was recalled into a request, when it was said, and the way to where it was. */
export function RecalledNote({ recalled }: { recalled: RecalledSource }) {
  const { t, i18n } = useTranslation();
  const { kind, messages, conversation, at, signals } = recalled;
  const names = { memory: t("context.recalled_memory"), message: t("context.recalled_message"), summary: t("context.recalled_summary") };
  const [message] = messages;
  return (
    <div className="flex flex-col gap-1.5 text-xs text-quiet">
      <p className="flex flex-wrap gap-x-3">
        <span>{names[kind]}</span>
        {at > 0 && <time dateTime={new Date(at).toISOString()}>{fullTime(at, i18n.language)}</time>}
      </p>
      <Why signals={signals} />
      <p className="flex flex-wrap gap-x-3">
        {message !== undefined && conversation !== "" ? (
          <Link href={`/c/${conversation}#m-${message}`} className={LINK}>
            {t("context.go")}
          </Link>
        ) : (
          message !== undefined && <Citation id={message} />
        )}
        {kind === "memory" && (
          <Link href="/memory" className={LINK}>
            {t("context.go_memory")}
          </Link>
        )}
      </p>
    </div>
  );
}
