import { Trans, useTranslation } from "react-i18next";

import { Button } from "@/shared/ui/button";
import { Mark } from "@/shared/ui/mark";

const COMMANDS = { code: <code className="rounded-xs bg-code-ground px-1 py-0.5 font-mono text-[0.9em] text-code-ink" /> };

/** Without a session there is one way in: the link on the terminal. */
export function SignedOut({ isLinkUsed }: { isLinkUsed: boolean }) {
  const { t } = useTranslation();
  return (
    <main className="mx-auto flex h-full max-w-[34rem] flex-col justify-center px-6 pb-16">
      <Mark className="mb-6 size-9" />
      <h1 className="text-[1.625rem] leading-9 font-semibold tracking-[-0.02em]">
        {isLinkUsed ? t("signed_out.title_used") : t("signed_out.title")}
      </h1>
      <p className="pt-2 leading-7 text-soft text-pretty">
        <Trans i18nKey="signed_out.text" components={COMMANDS} />
      </p>
      <pre className="mt-5 mb-6 rounded-md border border-line bg-code-ground px-4 py-3 font-mono text-sm break-words whitespace-pre-wrap text-code-ink">
        Quarterdeck is ready at http://…/open?link=…
      </pre>
      <p className="pb-6 text-sm leading-6 text-quiet text-pretty">
        <Trans i18nKey="signed_out.hint" components={COMMANDS} />
      </p>
      <div>
        <Button onClick={() => location.assign("/")}>{t("signed_out.again")}</Button>
      </div>
    </main>
  );
}
