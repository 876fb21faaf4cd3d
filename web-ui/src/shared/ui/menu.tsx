import { Check } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { createContext, useContext, useEffect, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";

import { classNames } from "@/shared/ui/class-names";
import { Floating } from "@/shared/ui/floating";
import type { TriggerProps } from "@/shared/ui/floating";
import type { Placement } from "@/shared/ui/place-panel";

interface MenuProps extends Partial<Placement> {
  label: string;
  trigger(props: TriggerProps): ReactNode;
  children: ReactNode;
}

const CloseMenu = createContext<() => void>(() => undefined);

/** A menu of actions: arrows, Home and End move, Enter acts, Escape and Tab leave. */
export function Menu({ label, trigger, children, align = "end", side = "bottom" }: MenuProps) {
  const [isOpen, setIsOpen] = useState(false);
  const close = () => setIsOpen(false);
  return (
    <Floating
      role="menu"
      label={label}
      trigger={trigger}
      open={isOpen}
      onOpenChange={setIsOpen}
      onKeyDown={(event) => moveFocus(event, close)}
      align={align}
      side={side}
      className="min-w-48 p-1"
    >
      <CloseMenu value={close}>
        <FocusFirst>{children}</FocusFirst>
      </CloseMenu>
    </Floating>
  );
}

const ITEMS = "[role^=menuitem]";

function FocusFirst({ children }: { children: ReactNode }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const items = list.current;
    (items?.querySelector<HTMLElement>("[aria-checked=true]") ?? items?.querySelector<HTMLElement>(ITEMS))?.focus();
  }, []);
  return (
    <div role="presentation" ref={list}>
      {children}
    </div>
  );
}

function moveFocus(event: KeyboardEvent<HTMLElement>, close: () => void): void {
  const items = Array.from(event.currentTarget.querySelectorAll<HTMLElement>(ITEMS));
  const at = items.indexOf(document.activeElement as HTMLElement);
  const targets: Record<string, number> = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  };
  const target = targets[event.key];
  if (event.key === "Tab") close();
  if (target === undefined) return;
  event.preventDefault();
  items[target]?.focus();
}

const ITEM = "flex w-full rounded-sm px-2.5 text-left text-sm outline-none select-none hover:bg-hover focus:bg-hover";

interface MenuItemProps {
  icon: LucideIcon;
  onSelect(): void;
  children: ReactNode;
  danger?: boolean;
}

export function MenuItem({ icon: Icon, onSelect, children, danger = false }: MenuItemProps) {
  const close = useContext(CloseMenu);
  const select = () => {
    close();
    onSelect();
  };
  return (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      onClick={select}
      className={classNames(ITEM, "min-h-9 items-center gap-2.5", danger ? "text-danger" : "text-ink")}
    >
      <Icon size={16} strokeWidth={1.75} aria-hidden className={danger ? "" : "text-quiet"} />
      {children}
    </button>
  );
}

interface MenuChoiceProps {
  isChosen: boolean;
  onSelect(): void;
  title: string;
  hint: string;
}

/** One of several, with a line of explanation. */
export function MenuChoice({ isChosen, onSelect, title, hint }: MenuChoiceProps) {
  const close = useContext(CloseMenu);
  const select = () => {
    close();
    onSelect();
  };
  return (
    <button
      type="button"
      role="menuitemradio"
      aria-checked={isChosen}
      tabIndex={-1}
      onClick={select}
      className={classNames(ITEM, "max-w-72 items-start gap-2.5 py-2")}
    >
      <span className="mt-0.5 size-4 shrink-0 text-accent">{isChosen && <Check size={16} aria-hidden />}</span>
      <span>
        <span className="block font-medium">{title}</span>
        <span className="block text-quiet">{hint}</span>
      </span>
    </button>
  );
}

export function MenuLine() {
  return <div role="separator" className="mx-1 my-1 h-px bg-line" />;
}
