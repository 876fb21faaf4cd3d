import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const here = import.meta.dirname;

/** Writes the frame's page beside its script, with the script's name, which carries a hash of its content. */
function framePage(): Plugin {
  return {
    name: "frame-page",
    generateBundle(_, bundle) {
      const script = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry);
      if (!script) throw new Error("The frame has no script.");
      const template = readFileSync(resolve(here, "mermaid.html"), "utf8");
      this.emitFile({
        type: "asset",
        fileName: "sandbox/mermaid.html",
        source: template.replace("{{ script }}", `/${script.fileName}`),
      });
    },
  };
}

/** A second build into the same folder: one classic script for the sandboxed frame of diagrams. */
export default defineConfig({
  root: here,
  publicDir: false,
  plugins: [framePage()],
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    outDir: resolve(here, "../../src/quarterdeck/web/page"),
    emptyOutDir: false,
    modulePreload: false,
    target: "es2022",
    chunkSizeWarningLimit: 5_000,
    rollupOptions: {
      transform: { define: { "import.meta": "{}" } },
      input: resolve(here, "mermaid-frame.ts"),
      output: { format: "iife", entryFileNames: "assets/mermaid-[hash].js", codeSplitting: false },
    },
  },
});
