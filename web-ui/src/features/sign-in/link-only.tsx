import { Trans, useTranslation } from "react-i18next";

import { Gate } from "@/features/sign-in/gate";
import { Button } from "@/shared/ui/button";

const COMMANDS = { code: <code className="rounded-xs bg-code-ground px-1 py-0.5 font-mono text-[0.9em] text-code-ink" /> };

/** There is one way in: the link on the terminal. */
interface LinkOnlyProps {
  isLinkUsed: boolean;
  /** For those who were given a password while the owner has none. */
  onPassword: (() => void) | null;
}

export function LinkOnly({ isLinkUsed, onPassword }: LinkOnlyProps) {
  const { t } = useTranslation();
  return (
    <Gate
      title={isLinkUsed ? t("sign_in.link.used") : t("sign_in.signed_out")}
      lead={<Trans i18nKey="sign_in.link.text" components={COMMANDS} />}
    >
      <pre className="rounded-md border border-line bg-code-ground px-4 py-3 font-mono text-sm break-words whitespace-pre-wrap text-code-ink">
        Quarterdeck is ready at http://…/open?link=…
      </pre>
      <p className="text-sm leading-6 text-quiet text-pretty">
        <Trans i18nKey="sign_in.link.hint" components={COMMANDS} />
      </p>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => location.assign("/")}>{t("sign_in.link.again")}</Button>
        {onPassword && (
          <Button kind="quiet" onClick={onPassword}>
            {t("sign_in.link.have_password")}
          </Button>
        )}
      </div>
    </Gate>
  );
}
