import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Plugin } from "vite";

const SOURCE = resolve(import.meta.dirname, "../src/app/theme-script.js");

/**
 * Puts `theme-script.js` before everything else in the head, as a hashed file of its own: the page's
 * Content-Security-Policy allows no inline script, and a module would run after the first paint.
 */
export function themeScript(): Plugin {
  let serving = false;
  let reference = "";
  return {
    name: "quarterdeck-theme-script",
    configResolved(config) {
      serving = config.command === "serve";
    },
    buildStart() {
      if (!serving) {
        reference = this.emitFile({ type: "asset", name: "theme.js", source: readFileSync(SOURCE) });
      }
    },
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        const hashed = Object.keys(context.bundle ?? {}).find((name) => /(^|\/)theme-[^/]*\.js$/.test(name));
        if (!serving && hashed === undefined) throw new Error(`The theme script was not emitted (${reference}).`);
        const src = hashed === undefined ? "/src/app/theme-script.js" : `/${hashed}`;
        return [{ tag: "script", attrs: { src }, injectTo: "head-prepend" }];
      },
    },
  };
}
