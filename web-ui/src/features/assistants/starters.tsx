import { Plus, X } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "@/shared/ui/button";
import { FIELD } from "@/shared/ui/field";
import { IconButton } from "@/shared/ui/icon-button";

interface StartersProps {
  starters: string[];
  onChange(starters: string[]): void;
}

const MOST = 8;

/** First messages, each a line; a new one takes the focus. */
export function Starters({ starters, onChange }: StartersProps) {
  const { t } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  const focusLast = () => requestAnimationFrame(() => list.current?.querySelector<HTMLElement>("li:last-child input")?.focus());
  const add = () => {
    onChange([...starters, ""]);
    focusLast();
  };
  const remove = (at: number) => {
    onChange(starters.filter((_, index) => index !== at));
    focusLast();
  };
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="pb-1.5 text-sm font-medium">{t("assistants.starters")}</legend>
      <ul ref={list} className="flex flex-col gap-2 empty:hidden">
        {starters.map((starter, at) => (
          // What a starter says changes with every key: its place is what it is.
          <li key={at} className="flex gap-1">
            <input
              aria-label={t("assistants.starter", { number: at + 1 })}
              value={starter}
              maxLength={2_000}
              autoComplete="off"
              onChange={(event) => onChange(starters.map((other, index) => (index === at ? event.target.value : other)))}
              className={FIELD}
            />
            <IconButton icon={X} label={t("assistants.remove_starter", { number: at + 1 })} onClick={() => remove(at)} />
          </li>
        ))}
      </ul>
      <p className="text-sm text-quiet">{t("assistants.starters_hint")}</p>
      {starters.length < MOST && (
        <Button className="self-start" onClick={add}>
          <Plus size={15} aria-hidden />
          {t("assistants.add_starter")}
        </Button>
      )}
    </fieldset>
  );
}
