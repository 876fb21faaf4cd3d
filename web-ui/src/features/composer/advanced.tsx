import { Columns2, SlidersHorizontal } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { MemoryChoice } from "@/features/composer/memory-choice";
import type { ChatOptions, ChatOptionsChange } from "@/shared/data/chat-options";
import { Button } from "@/shared/ui/button";
import { Floating } from "@/shared/ui/floating";
import { IconButton } from "@/shared/ui/icon-button";

interface AdvancedProps {
  options: ChatOptions;
  onChange(change: ChatOptionsChange): void;
  /** Asks which other model answers the next message, too. */
  onCompare(): void;
}

/** Temperature, system prompt and memory, behind one quiet button that shows when something is set. */
export function Advanced({ options, onChange, onCompare }: AdvancedProps) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const isSet = options.temperature !== null || options.instructions !== "" || options.memory !== "";
  return (
    <Floating
      label={t("composer.advanced")}
      open={isOpen}
      onOpenChange={setIsOpen}
      className="w-[min(24rem,calc(100vw-1rem))] p-4"
      side="top"
      trigger={(props) => (
        <IconButton
          {...props}
          icon={SlidersHorizontal}
          label={isSet ? t("composer.advanced_set") : t("composer.advanced")}
          className={isSet ? "text-accent" : ""}
        />
      )}
    >
      <div className="flex flex-col gap-5">
        <Temperature value={options.temperature} onChange={(temperature) => onChange({ temperature })} />
        <Instructions value={options.instructions} onChange={(instructions) => onChange({ instructions })} />
        <MemoryChoice value={options.memory} onChange={(memory) => onChange({ memory })} />
        <Button
          className="self-start"
          onClick={() => {
            setIsOpen(false);
            onCompare();
          }}
        >
          <Columns2 size={15} strokeWidth={1.75} aria-hidden />
          {t("composer.compare")}
        </Button>
      </div>
    </Floating>
  );
}

const MIDDLE = 0.7;

function Temperature({ value, onChange }: { value: number | null; onChange(value: number | null): void }) {
  const { t } = useTranslation();
  const id = useId();
  const [shown, setShown] = useState(value ?? MIDDLE);
  const isOff = value === null;
  return (
    <fieldset className="flex flex-col gap-2">
      <div className="flex items-center justify-between gap-3">
        <label htmlFor={id} className="text-sm font-medium">
          {t("composer.temperature")}
        </label>
        <label className="flex min-h-6 cursor-pointer items-center gap-2 text-sm text-quiet">
          <input type="checkbox" className="size-4" checked={isOff} onChange={(event) => onChange(event.target.checked ? null : shown)} />
          {t("composer.temperature_own")}
        </label>
      </div>
      <div className="flex items-center gap-3">
        <input
          id={id}
          type="range"
          min={0}
          max={2}
          step={0.1}
          value={shown}
          disabled={isOff}
          onChange={(event) => setShown(Number(event.target.value))}
          onPointerUp={() => onChange(shown)}
          onKeyUp={() => onChange(shown)}
          onBlur={() => !isOff && shown !== value && onChange(shown)}
          className="h-6 flex-1 disabled:opacity-40"
        />
        <output htmlFor={id} className="tabular w-8 text-right text-sm text-soft">
          {isOff ? "–" : shown.toFixed(1)}
        </output>
      </div>
      <p className="text-xs leading-5 text-quiet">{t("composer.temperature_hint")}</p>
    </fieldset>
  );
}

const SAVE_AFTER_MS = 500;

function Instructions({ value, onChange }: { value: string; onChange(value: string): void }) {
  const { t } = useTranslation();
  const id = useId();
  const [write, save] = useSaved(value, onChange);
  return (
    <div className="flex flex-col gap-2">
      <label htmlFor={id} className="text-sm font-medium">
        {t("composer.instructions")}
      </label>
      <textarea
        id={id}
        rows={5}
        defaultValue={value}
        placeholder={t("composer.instructions_placeholder")}
        onChange={(event) => write(event.target.value)}
        onBlur={save}
        className="w-full resize-y rounded-sm border border-edge bg-ground px-3 py-2 text-sm leading-5 placeholder:text-quiet focus-visible:outline-offset-0"
      />
      <p className="text-xs leading-5 text-quiet">{t("composer.instructions_hint")}</p>
    </div>
  );
}

/** What is written is saved a moment after the last key, and at once where it is left, however that is. */
function useSaved(value: string, onChange: (value: string) => void) {
  const written = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef({ value, onChange });
  useEffect(() => {
    latest.current = { value, onChange };
  });
  const [save] = useState(() => () => {
    clearTimeout(timer.current);
    const text = written.current;
    written.current = null;
    if (text !== null && text !== latest.current.value) latest.current.onChange(text);
  });
  const write = (text: string) => {
    written.current = text;
    clearTimeout(timer.current);
    timer.current = setTimeout(save, SAVE_AFTER_MS);
  };
  useEffect(() => {
    addEventListener("pagehide", save, true); // before what is kept of this tab is written down
    return () => {
      removeEventListener("pagehide", save, true);
      save();
    };
  }, [save]);
  return [write, save] as const;
}
