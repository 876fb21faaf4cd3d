import { Component } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "@/shared/ui/button";

interface BoundaryState {
  hasFailed: boolean;
}

/** The page itself broke: say so, and offer the way back. What the server has is untouched. */
export class ErrorBoundary extends Component<{ children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { hasFailed: false };

  static getDerivedStateFromError(): BoundaryState {
    return { hasFailed: true };
  }

  override componentDidCatch(error: unknown): void {
    reportError(error); // an uncaught error, as it is for whoever watches the page
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useTranslation();
  return (
    <main className="qd-column flex h-full flex-col items-start justify-center gap-3">
      <h1 className="text-lg font-semibold">{t("shell.broken")}</h1>
      <p className="pb-2 text-quiet">{t("shell.broken_hint")}</p>
      <Button kind="primary" onClick={() => location.reload()}>
        {t("ui.load_again")}
      </Button>
    </main>
  );
}
