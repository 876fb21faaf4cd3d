import { useEffect, useId, useState } from "react";
import type { KeyboardEvent, RefObject } from "react";
import { useTranslation } from "react-i18next";

import { findSlash, matchNames } from "@/features/composer/slash";
import type { Slash } from "@/features/composer/slash";
import { useMe } from "@/shared/data/me";
import { useSnippets } from "@/shared/data/snippets";
import { isComposing } from "@/shared/keyboard/composing";
import { answerByItself, fill, findVariables } from "@/shared/snippets/fill";
import type { Variable } from "@/shared/snippets/fill";
import type { Snippet } from "@/shared/wire/resources";

/** A snippet whose variables are being asked for. */
export interface Filling {
  snippet: Snippet;
  asked: Variable[];
  known: ReadonlyMap<string, string>;
}

const NONE: Snippet[] = [];

/** What a slash in the message field opens. `onInsert` puts a text in the place of the slash and its word. */
export function useSnippetMenu(field: RefObject<HTMLTextAreaElement | null>, onInsert: (text: string, slash: Slash) => void) {
  const { i18n } = useTranslation();
  const id = useId();
  const isGuest = useMe(({ role }) => role === "guest");
  const [slash, setSlash] = useState<Slash | null>(null);
  const [left, setLeft] = useState<number | null>(null); // the slash that Escape was pressed at
  const [active, setActive] = useState(0);
  const [filling, setFilling] = useState<Filling | null>(null);
  const snippets = useSnippets(slash !== null && !isGuest).data ?? NONE;
  const found = slash === null || slash.start === left ? NONE : matchNames(snippets, slash.query);
  const isOpen = found.length > 0 && filling === null;

  useEffect(() => {
    if (filling === null) return;
    const element = field.current;
    return () => element?.focus(); // once the dialog is gone
  }, [filling, field]);

  /** After each key and each move of the caret. */
  const look = () => {
    const element = field.current;
    if (!element) return;
    const next = element.selectionStart === element.selectionEnd ? findSlash(element.value, element.selectionStart) : null;
    if (next === null) setLeft(null);
    if (next?.start === slash?.start && next?.query === slash?.query) return;
    setSlash(next);
    setActive(0);
  };
  const choose = async (snippet: Snippet) => {
    const known = await answerByItself(snippet.text, new Date(), i18n.language);
    const asked = findVariables(snippet.text).filter(({ name }) => !known.has(name));
    if (asked.length > 0) setFilling({ snippet, asked, known });
    else insert(fill(snippet.text, known));
  };
  const insert = (text: string) => {
    setFilling(null);
    setSlash(null);
    if (slash !== null) onInsert(text, slash);
  };
  /** Whether the key was the list's own. */
  const press = (event: KeyboardEvent): boolean => {
    if (!isOpen || isComposing(event)) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = found[active];
    if (step !== undefined) setActive((active + step + found.length) % found.length);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && chosen) void choose(chosen);
    else if (event.key === "Escape" && slash) setLeft(slash.start);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return { id, found, active, isOpen, filling, look, press, choose, insert, cancel: () => setFilling(null) };
}
