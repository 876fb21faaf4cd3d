import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import type { Plugin } from "vite";

const FROM_SWAGGER = ["swagger-ui-bundle.js", "swagger-ui.css"];
const OWN = ["index.html", "start.js"];

/** Puts Swagger UI beside the page (`docs/`), so that a private server needs no CDN to show its API. */
export function apiDocs(): Plugin {
  return {
    name: "quarterdeck-api-docs",
    apply: "build",
    generateBundle() {
      const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
      for (const file of FROM_SWAGGER) {
        this.emitFile({ type: "asset", fileName: `docs/${file}`, source: readFileSync(resolve(swagger, file)) });
      }
      for (const file of OWN) {
        const source = readFileSync(resolve(import.meta.dirname, "../docs-page", file));
        this.emitFile({ type: "asset", fileName: `docs/${file}`, source });
      }
      const icon = readFileSync(resolve(import.meta.dirname, "../src/app/icon.svg"));
      this.emitFile({ type: "asset", fileName: "docs/icon.svg", source: icon });
    },
  };
}
