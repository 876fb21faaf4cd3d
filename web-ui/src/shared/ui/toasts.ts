import { create } from "zustand";

export interface Toast {
  id: number;
  text: string;
  /** A way back, unless it says that it is none. */
  action?: { label: string; run(): void; isNoUndo?: true };
}

export const SHOWN_MS = 7_000;
/** Whoever is read to hears the text first, and then has to get to the button. */
export const WITH_ACTION_MS = 20_000;

export const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));

const timers = new Map<number, ReturnType<typeof setTimeout>>();
/** Those that are pointed at or have the focus: until they are left, none goes by itself, for the others would move them. */
const held = new Set<number>();
let last = 0;

export function showToast(text: string, action?: Toast["action"]): void {
  const toast = { id: ++last, text, ...(action ? { action } : {}) };
  const { toasts } = useToasts.getState();
  toasts.slice(0, -2).forEach(({ id }) => hideToast(id));
  useToasts.setState({ toasts: [...toasts.slice(-2), toast] });
  if (held.size === 0) begin(toast);
}

export function hideToast(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
  releaseToast(id);
}

export function holdToast(id: number): void {
  held.add(id);
  timers.forEach(clearTimeout);
  timers.clear();
}

/** All have their whole time again. */
export function releaseToast(id: number): void {
  if (held.delete(id) && held.size === 0) useToasts.getState().toasts.forEach(begin);
}

/** Takes the way back that was offered last, if one still is. */
export function undoLatest(): void {
  const latest = useToasts.getState().toasts.findLast(({ action }) => action && !action.isNoUndo);
  if (!latest) return;
  latest.action?.run();
  hideToast(latest.id);
}

function begin({ id, action }: Toast): void {
  timers.set(id, setTimeout(() => hideToast(id), action ? WITH_ACTION_MS : SHOWN_MS));
}
