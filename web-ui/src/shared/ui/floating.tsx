import { useLayoutEffect, useRef } from "react";
import type { AriaRole, KeyboardEvent, ReactNode, Ref, RefObject } from "react";

import { classNames } from "@/shared/ui/class-names";
import { placePanel } from "@/shared/ui/place-panel";
import type { Placement } from "@/shared/ui/place-panel";

/** What the button that opens a panel must be given. */
export interface TriggerProps {
  ref: Ref<HTMLButtonElement>;
  "aria-expanded": boolean;
  "aria-haspopup": "menu" | "dialog";
  "data-state": "open" | "closed";
  onPointerDown(): void;
  onClick(): void;
}

interface FloatingProps extends Partial<Placement> {
  trigger(props: TriggerProps): ReactNode;
  label: string;
  open: boolean;
  onOpenChange(open: boolean): void;
  children: ReactNode;
  role?: Extract<AriaRole, "menu" | "dialog">;
  onKeyDown?(event: KeyboardEvent<HTMLElement>): void;
  className?: string;
}

/**
 * A panel that floats beside its trigger and leaves the rest of the page usable: the browser's own popover,
 * which closes with Escape or a click elsewhere, returns the focus and works inside a modal dialog.
 */
export function Floating({ trigger, open, onOpenChange, role = "dialog", ...panel }: FloatingProps) {
  const anchor = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef<boolean | null>(null);
  const toggle = () => {
    onOpenChange(!(wasOpen.current ?? open)); // a press on the trigger has closed the panel before it is a click
    wasOpen.current = null;
  };
  return (
    <>
      {trigger({
        ref: anchor,
        "aria-expanded": open,
        "aria-haspopup": role,
        "data-state": open ? "open" : "closed",
        onPointerDown: () => {
          wasOpen.current = open;
        },
        onClick: toggle,
      })}
      {open && <Panel anchor={anchor} role={role} onClose={() => onOpenChange(false)} {...panel} />}
    </>
  );
}

interface PanelProps extends Omit<FloatingProps, "trigger" | "open" | "onOpenChange"> {
  anchor: RefObject<HTMLButtonElement | null>;
  onClose(): void;
}

function Panel({ anchor, label, role, side = "bottom", align = "start", onClose, onKeyDown, children, className }: PanelProps) {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const [element, button] = [panel.current, anchor.current];
    if (!element || !button) return;
    const place = () => placePanel(element, button, { side, align });
    element.showPopover();
    place();
    const observer = new ResizeObserver(place);
    observer.observe(element);
    addEventListener("resize", place);
    addEventListener("scroll", place, true);
    return () => {
      observer.disconnect();
      removeEventListener("resize", place);
      removeEventListener("scroll", place, true);
      if (element.matches(":popover-open")) element.hidePopover(); // gives the focus back
    };
  }, [anchor, side, align]);
  return (
    <div
      ref={panel}
      popover="auto"
      role={role}
      aria-label={label}
      onKeyDown={onKeyDown}
      onToggle={(event) => event.newState === "closed" && onClose()}
      className={classNames(
        "qd-rise inset-auto m-0 overflow-auto rounded-md border border-line bg-raised text-ink shadow-float",
        className,
      )}
    >
      {children}
    </div>
  );
}
