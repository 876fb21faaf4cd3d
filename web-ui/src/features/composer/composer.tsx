import { ArrowUp, Square } from "lucide-react";
import { Suspense, useEffect, useImperativeHandle, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode, Ref } from "react";
import { useTranslation } from "react-i18next";

import { readDraft, writeDraft } from "@/features/composer/draft";
import { growToFit } from "@/features/composer/grow-to-fit";
import type { Slash } from "@/features/composer/slash";
import { useSnippetMenu } from "@/features/composer/use-snippet-menu";
import { isComposing } from "@/shared/keyboard/composing";
import { late } from "@/shared/late/late";
import { DialogNotLoaded, NotLoaded } from "@/shared/late/not-loaded";
import { useMedia } from "@/shared/ui/use-media";

const SnippetList = late(() => import("@/features/composer/snippet-list"), "SnippetList", () => (
  <div className="absolute inset-x-0 bottom-full z-20 mb-2 rounded-md border border-line bg-raised shadow-float">
    <NotLoaded />
  </div>
));
const SnippetForm = late(() => import("@/features/composer/snippet-form"), "SnippetForm", DialogNotLoaded);

export interface ComposerHandle {
  focus(): void;
  /** Put a text into the field, ready to be sent or changed. */
  write(text: string): void;
}

interface ComposerProps {
  /** Whose draft this is; null for a new conversation. */
  conversation: string | null;
  onSend(text: string): void;
  /** Set while an answer is being written. */
  onStop: (() => void) | null;
  isStopping: boolean;
  /** Model, assistant, advanced. */
  controls: ReactNode;
  ref?: Ref<ComposerHandle>;
}

const SAVE_AFTER_MS = 250;
const TOUCH = "(hover: none) and (pointer: coarse)";

/** The text lives in the field itself: while an answer streams, a key costs what it costs in an empty page. */
export function Composer({ conversation, onSend, onStop, isStopping, controls, ref }: ComposerProps) {
  const { t } = useTranslation();
  const field = useRef<HTMLTextAreaElement>(null);
  const saving = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [hasText, setHasText] = useState(() => readDraft(conversation).trim() !== "");
  const isTouch = useMedia(TOUCH);

  const note = (text: string) => {
    setHasText(text.trim() !== "");
    growToFit(field.current);
  };
  const save = (text: string) => {
    clearTimeout(saving.current);
    saving.current = setTimeout(() => {
      saving.current = undefined;
      writeDraft(conversation, text);
    }, SAVE_AFTER_MS);
  };
  const write = (text: string) => {
    if (!field.current) return;
    field.current.value = text;
    note(text);
    save(text);
    field.current.focus();
    field.current.setSelectionRange(text.length, text.length);
  };
  const insert = (text: string, slash: Slash) => {
    const element = field.current;
    if (!element) return;
    element.setRangeText(text, slash.start, slash.start + 1 + slash.query.length, "end");
    note(element.value);
    save(element.value);
    element.focus();
  };
  const snippets = useSnippetMenu(field, insert);
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus(), write }));
  useEffect(() => {
    growToFit(field.current);
    const element = field.current;
    const leave = () => {
      if (saving.current === undefined) return; // another window may have a newer draft
      clearTimeout(saving.current);
      saving.current = undefined;
      writeDraft(conversation, element?.value ?? "");
    };
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, [conversation]);

  const send = () => {
    const text = field.current?.value.trim() ?? "";
    if (text === "" || !field.current) return;
    field.current.value = "";
    clearTimeout(saving.current);
    saving.current = undefined;
    writeDraft(conversation, "");
    note("");
    snippets.look();
    onSend(text);
    field.current.focus();
  };
  const press = (event: KeyboardEvent) => {
    if (snippets.press(event)) return;
    if (event.key !== "Enter" || isComposing(event) || event.shiftKey || event.altKey) return;
    if (isTouch && !event.ctrlKey && !event.metaKey) return; // on a phone Enter is a new line
    event.preventDefault();
    send();
  };

  return (
    <>
      <form
        aria-label={t("composer.label")}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        className="qd-composer relative rounded-lg border border-line-strong bg-raised transition-colors focus-within:border-accent"
      >
        {snippets.isOpen && (
          <Suspense>
            <SnippetList id={snippets.id} snippets={snippets.found} active={snippets.active} onChoose={(snippet) => void snippets.choose(snippet)} />
          </Suspense>
        )}
        <textarea
          ref={field}
          rows={1}
          defaultValue={readDraft(conversation)}
          aria-label={t("composer.label")}
          placeholder={t("composer.placeholder")}
          enterKeyHint={isTouch ? "enter" : "send"}
          autoFocus={!isTouch}
          aria-autocomplete="list"
          aria-controls={snippets.isOpen ? snippets.id : undefined}
          aria-activedescendant={snippets.isOpen ? `${snippets.id}-${snippets.active}` : undefined}
          onChange={(event) => {
            note(event.currentTarget.value);
            save(event.currentTarget.value);
            snippets.look();
          }}
          onSelect={snippets.look}
          onKeyDown={press}
          className="qd-field block max-h-[40dvh] w-full resize-none bg-transparent px-4 pt-3.5 pb-1.5 text-base leading-6 text-ink outline-none placeholder:text-quiet"
        />
        <div className="flex items-center gap-1 px-2 pb-2">
          <div className="flex min-w-0 flex-1 items-center gap-0.5">{controls}</div>
          {onStop && <StopButton onStop={onStop} isStopping={isStopping} />}
          {(!onStop || hasText) && <SendButton isEnabled={hasText} />}
        </div>
      </form>
      {snippets.filling && (
        <Suspense>
          <SnippetForm filling={snippets.filling} onInsert={snippets.insert} onClose={snippets.cancel} />
        </Suspense>
      )}
    </>
  );
}

function SendButton({ isEnabled }: { isEnabled: boolean }) {
  const { t } = useTranslation();
  return (
    <button
      type="submit"
      aria-label={t("composer.send")}
      title={t("composer.send")}
      disabled={!isEnabled}
      className="inline-grid size-9 shrink-0 place-items-center rounded-md bg-accent text-on-accent transition-colors hover:bg-accent-strong disabled:bg-press disabled:text-quiet"
    >
      <ArrowUp size={18} strokeWidth={2} aria-hidden />
    </button>
  );
}

function StopButton({ onStop, isStopping }: { onStop(): void; isStopping: boolean }) {
  const { t } = useTranslation();
  const label = isStopping ? t("composer.stopping") : t("composer.stop");
  return (
    <button
      type="button"
      onClick={onStop}
      disabled={isStopping}
      title={label}
      className="inline-flex h-9 shrink-0 items-center gap-2 rounded-md border border-line-strong px-3 text-sm font-medium text-ink transition-colors hover:bg-hover disabled:text-quiet"
    >
      <Square size={12} strokeWidth={0} fill="currentColor" aria-hidden />
      {label}
    </button>
  );
}
