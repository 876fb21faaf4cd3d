import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

import { addWords } from "@/shared/i18n/add-words";
import { i18n } from "@/shared/i18n/i18n";

const later = import.meta.glob<Record<string, unknown>>("../shared/i18n/later/*.json", { eager: true, import: "default" });
for (const [path, words] of Object.entries(later)) addWords(path.replace(/^.*\/|\.json$/g, ""), words);

const SRC = resolve(import.meta.dirname, "..");
const CALL = /\bt\(\s*"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"/gi;

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.tsx?$/.test(file) && !/\.test\./.test(file),
  );
}

const used = new Map<string, string>();
for (const file of sources()) {
  for (const match of readFileSync(resolve(SRC, file), "utf8").matchAll(CALL)) used.set(match[1] ?? "", file);
}

describe("the words", () => {
  it("are found in the sources", () => {
    expect(used.size).toBeGreaterThan(100);
  });

  it("are there in English for every key that is used", () => {
    const missing = [...used].filter(([key]) => !i18n.exists(key) && !i18n.exists(key, { count: 2 }));
    expect(missing).toEqual([]);
  });

  it("have a singular wherever they have a plural", () => {
    const lonely = [...used.keys()].filter(
      (key) => i18n.exists(`${key}_other`) && !i18n.exists(`${key}_one`),
    );
    expect(lonely).toEqual([]);
  });

  it("shout nowhere", () => {
    const words = JSON.stringify(i18n.getResourceBundle("en", "translation"));
    expect(words).not.toContain("!");
  });
});
