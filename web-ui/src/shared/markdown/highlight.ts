import type { HLJSApi, LanguageFn } from "highlight.js";
import { fetchPart } from "@/shared/late/fetch-part";
import { makeLazyPart, type LazyPart } from "./lazy-part";

/** One line of code: pieces with the classes of the highlighter. Equal lines have equal signatures. */
export type CodeLine = { signature: string; pieces: readonly CodePiece[] };
export type CodePiece = { className: string; text: string };
export type Highlight = (code: string) => CodeLine[];

type Grammar = () => Promise<{ default: LanguageFn }>;

const GRAMMARS: Record<string, Grammar> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  dart: () => import("highlight.js/lib/languages/dart"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  elixir: () => import("highlight.js/lib/languages/elixir"),
  go: () => import("highlight.js/lib/languages/go"),
  graphql: () => import("highlight.js/lib/languages/graphql"),
  haskell: () => import("highlight.js/lib/languages/haskell"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  julia: () => import("highlight.js/lib/languages/julia"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  latex: () => import("highlight.js/lib/languages/latex"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  matlab: () => import("highlight.js/lib/languages/matlab"),
  nginx: () => import("highlight.js/lib/languages/nginx"),
  objectivec: () => import("highlight.js/lib/languages/objectivec"),
  perl: () => import("highlight.js/lib/languages/perl"),
  php: () => import("highlight.js/lib/languages/php"),
  powershell: () => import("highlight.js/lib/languages/powershell"),
  protobuf: () => import("highlight.js/lib/languages/protobuf"),
  python: () => import("highlight.js/lib/languages/python"),
  r: () => import("highlight.js/lib/languages/r"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scala: () => import("highlight.js/lib/languages/scala"),
  scss: () => import("highlight.js/lib/languages/scss"),
  shell: () => import("highlight.js/lib/languages/shell"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ALIASES: Record<string, string> = {
  "c#": "csharp",
  "c++": "cpp",
  "objective-c": "objectivec",
  cc: "cpp",
  cjs: "javascript",
  console: "shell",
  cs: "csharp",
  docker: "dockerfile",
  golang: "go",
  h: "c",
  hpp: "cpp",
  hs: "haskell",
  html: "xml",
  js: "javascript",
  jsonc: "json",
  jsx: "javascript",
  kt: "kotlin",
  make: "makefile",
  md: "markdown",
  mjs: "javascript",
  patch: "diff",
  pl: "perl",
  postgresql: "sql",
  proto: "protobuf",
  ps1: "powershell",
  py: "python",
  python3: "python",
  rb: "ruby",
  rs: "rust",
  sh: "bash",
  sqlite: "sql",
  svg: "xml",
  tex: "latex",
  toml: "ini",
  ts: "typescript",
  tsx: "typescript",
  vue: "xml",
  yml: "yaml",
  zsh: "bash",
};

/** Languages that are written inside others. */
const INNER: Record<string, readonly string[]> = {
  markdown: ["xml"],
  php: ["xml"],
  xml: ["css", "javascript"],
};

const parts = new Map<string, LazyPart<Highlight>>();

/** The highlighter for a fence's language, to be fetched when it is needed; null for an unknown one. */
export function findHighlighter(language: string): LazyPart<Highlight> | null {
  const written = language.toLowerCase();
  const name = Object.hasOwn(ALIASES, written) ? (ALIASES[written] ?? written) : written;
  if (!Object.hasOwn(GRAMMARS, name)) return null;
  const known = parts.get(name);
  if (known) return known;
  const part = makeLazyPart(() => fetchHighlighter(name));
  parts.set(name, part);
  return part;
}

async function fetchHighlighter(name: string): Promise<Highlight> {
  const library = await fetchPart(() => import("highlight.js/lib/core"), "default");
  await Promise.all([name, ...(INNER[name] ?? [])].map((each) => register(library, each)));
  return (code) => readMarkup(library.highlight(code, { language: name, ignoreIllegals: true }).value);
}

async function register(library: HLJSApi, name: string): Promise<void> {
  const grammar = GRAMMARS[name];
  if (!grammar || library.getLanguage(name)) return;
  library.registerLanguage(name, await fetchPart(grammar, "default"));
}

const MARKUP = /<span class="([^"]*)">|<\/span>|([^<]+)/g;
const ESCAPES: Record<string, string> = { amp: "&", gt: ">", lt: "<", quot: '"', "#x27": "'" };

function unescape(text: string): string {
  return text.replace(/&(amp|gt|lt|quot|#x27);/g, (_, name: string) => ESCAPES[name] ?? "");
}

/** The highlighter answers with spans as a string; here it becomes lines of pieces, never markup again. */
function readMarkup(markup: string): CodeLine[] {
  const lines: CodePiece[][] = [[]];
  const open: string[] = [];
  for (const [, className, text] of markup.matchAll(MARKUP)) {
    if (className !== undefined) open.push(className);
    else if (text === undefined) open.pop();
    else addText(lines, unescape(text), open.join(" "));
  }
  return lines.map((pieces) => ({
    signature: pieces.map((piece) => `${piece.className}\u0000${piece.text}`).join("\u0001"),
    pieces,
  }));
}

function addText(lines: CodePiece[][], text: string, className: string): void {
  text.split("\n").forEach((part, index) => {
    if (index > 0) lines.push([]);
    if (part !== "") lines.at(-1)?.push({ className, text: part });
  });
}
