import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "@/app/app";
import { arrive } from "@/app/arrive";
import { startSession } from "@/app/start-session";
import "@/app/styles.css";
import { watchSystemTheme } from "@/shared/appearance/appearance";
import { isSignedOut, readPageSettings } from "@/shared/data/page-settings";
import "@/shared/i18n/i18n";

watchSystemTheme();

const settings = readPageSettings();
if (!isSignedOut(settings)) arrive();
const started = isSignedOut(settings) ? null : startSession(settings);
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App started={started} settings={settings} />
    </StrictMode>,
  );
}
