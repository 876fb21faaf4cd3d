import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const WORTH_IT = /\.(js|css|svg|json|html)$/;
const MIN_BYTES = 1024;

/** Writes `.br` and `.gz` beside the assets; the server sends these where the browser takes them. */
export function compressedCopies(): Plugin {
  return {
    name: "quarterdeck-compressed-copies",
    apply: "build",
    writeBundle(options, bundle) {
      for (const fileName of Object.keys(bundle)) {
        if (!WORTH_IT.test(fileName) || fileName === "index.html") continue;
        const path = resolve(options.dir ?? ".", fileName);
        const source = readFileSync(path);
        if (source.length < MIN_BYTES) continue;
        writeFileSync(`${path}.br`, brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }));
      }
    },
  };
}
