import { QueryClientProvider } from "@tanstack/react-query";

import { ErrorBoundary } from "@/app/error-boundary";
import { Shell } from "@/app/shell";
import { SignedOut } from "@/app/signed-out";
import type { Started } from "@/app/start-session";
import { useViewHeight } from "@/app/use-view-height";
import { useLink } from "@/shared/connection/link-state";
import { SessionContext } from "@/shared/connection/session-context";
import { ToastRegion } from "@/shared/ui/toast-region";
import type { PageSettings } from "@/shared/wire/resources";

interface AppProps {
  /** Null when the server said with the index that it does not know us. */
  started: Started | null;
  settings: PageSettings;
}

export function App({ started, settings }: AppProps) {
  useViewHeight();
  const isSignedOut = useLink((link) => link.state === "signed-out");
  if (started === null || isSignedOut) return <SignedOut isLinkUsed={settings.notice === "link_used"} />;
  return (
    <ErrorBoundary>
      <QueryClientProvider client={started.client}>
        <SessionContext value={started.session}>
          <Shell user={settings.user?.name ?? ""} />
          <ToastRegion />
        </SessionContext>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
