import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense } from "react";
import { useLocation } from "wouter";

import { ErrorBoundary } from "@/app/error-boundary";
import { Shell } from "@/app/shell";
import type { Started } from "@/app/start-session";
import { useViewHeight } from "@/app/use-view-height";
import { useLink } from "@/shared/connection/link-state";
import { SessionContext } from "@/shared/connection/session-context";
import { late } from "@/shared/late/late";
import { PageNotLoaded } from "@/shared/late/not-loaded";
import { ToastRegion } from "@/shared/ui/toast-region";
import type { PageSettings } from "@/shared/wire/resources";

const SignInRoute = late(() => import("@/app/sign-in-route"), "SignInRoute", () => <PageNotLoaded />);

/** Links that are opened by whoever has them, signed in or not. */
const FOR_ANYBODY = /^\/(invite|reset)\/./;

interface AppProps {
  /** Null when the server said with the index that it does not know us. */
  started: Started | null;
  settings: PageSettings;
}

export function App({ started, settings }: AppProps) {
  useViewHeight();
  const [location] = useLocation();
  const isSignedOut = useLink((link) => link.state === "signed-out");
  if (started === null || isSignedOut || FOR_ANYBODY.test(location)) {
    return (
      <ErrorBoundary>
        <Suspense>
          <SignInRoute user={settings.user?.name ?? ""} isLinkUsed={settings.notice === "link_used"} />
        </Suspense>
      </ErrorBoundary>
    );
  }
  return (
    <ErrorBoundary>
      <QueryClientProvider client={started.client}>
        <SessionContext value={started.session}>
          <Shell />
          <ToastRegion />
        </SessionContext>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
