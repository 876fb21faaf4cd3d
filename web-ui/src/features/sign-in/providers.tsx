import { LogIn } from "lucide-react";
import { useTranslation } from "react-i18next";

import { keepWantedPlace } from "@/shared/data/wanted-place";
import type { SignInProvider } from "@/features/sign-in/ways";

interface ProvidersProps {
  providers: SignInProvider[];
  /** Which invitation they come with. */
  invitation?: string;
}

/** One button for each place where one can sign in instead. */
export function Providers({ providers, invitation }: ProvidersProps) {
  const { t } = useTranslation();
  return (
    <ul className="flex flex-col gap-2">
      {providers.map(({ name, label }) => {
        const query = invitation ? `?invitation=${encodeURIComponent(invitation)}` : "";
        return (
          <li key={name}>
            <a
              href={`/api/oauth/${encodeURIComponent(name)}/start${query}`}
              onClick={() => keepWantedPlace()}
              className="flex min-h-10 items-center justify-center gap-2.5 rounded-md border border-line-strong bg-raised px-3.5 text-sm font-medium transition-colors hover:bg-hover"
            >
              <LogIn size={17} strokeWidth={1.75} aria-hidden className="text-quiet" />
              {t("sign_in.continue_with", { name: label || name })}
            </a>
          </li>
        );
      })}
    </ul>
  );
}

export function Or() {
  const { t } = useTranslation();
  return (
    <p className="flex items-center gap-3 text-sm text-quiet before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      {t("sign_in.or")}
    </p>
  );
}
