/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { resolve } from "node:path";
import { defineConfig } from "vite";

import { apiDocs } from "./build/api-docs.ts";
import { compressedCopies } from "./build/compressed-copies.ts";
import { jinjaPlaceholders } from "./build/jinja-placeholders.ts";
import { themeScript } from "./build/theme-script.ts";

const SERVER = process.env.QUARTERDECK_DEV_SERVER ?? "http://127.0.0.1:8000";

const FIRST_LOAD =
  /node_modules\/(react|react-dom|scheduler|@tanstack|i18next|react-i18next|wouter|zustand|virtua|use-sync-external-store)\/|src\/shared\/(appearance|connection|data|http|keyboard|late|log|time|wire)\/|src\/shared\/i18n\/(?!later)|src\/shared\/ui\/(?!field)|rolldown\/runtime|vite\/preload/;

export default defineConfig({
  plugins: [react(), tailwindcss(), jinjaPlaceholders(), themeScript(), apiDocs(), compressedCopies()],
  resolve: { alias: { "@": resolve(import.meta.dirname, "src") } },
  build: {
    outDir: "../src/quarterdeck/web/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false, // a part whose own style could not be fetched would stay without it when it is asked for again
    target: "es2022",
    // What a part imports is asked for when the part has come. Preloaded while the server is away it would fail, and browsers
    // remember that: the part would not come by another name, either (`shared/late/fetch-part.ts`).
    modulePreload: { polyfill: false, resolveDependencies: (_part, imported, { hostType }) => (hostType === "html" ? imported : []) },
    chunkSizeWarningLimit: 900,
    // What every page needs comes in two files, not in the handful that splitting by use would make of it.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "page", test: FIRST_LOAD }] } } },
  },
  server: {
    proxy: {
      "/api": { target: SERVER, changeOrigin: true },
      "/open": { target: SERVER, changeOrigin: true },
      "/sandbox": { target: SERVER, changeOrigin: true },
      "/chat": { target: SERVER, changeOrigin: true, ws: true },
    },
  },
  test: {
    restoreMocks: true,
    unstubGlobals: true,
    isolate: false, // a process for each file would take longer than its tests
    setupFiles: ["src/shared/testing/fresh.ts"],
    testTimeout: 20_000, // some render hundreds of answers, and the machine may be busy
    projects: [
      { extends: true, test: { name: "plain", include: ["src/**/*.test.ts"] } },
      // A document takes longer to make than most tests take to run, so only those have one that look at it.
      {
        extends: true,
        test: {
          name: "page",
          include: ["src/**/*.test.tsx"],
          environment: "jsdom",
          setupFiles: ["src/shared/testing/setup.ts"],
        },
      },
    ],
  },
});
