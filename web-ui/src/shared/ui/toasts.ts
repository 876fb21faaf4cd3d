import { create } from "zustand";

export interface Notice {
  text: string;
  /** A way back, unless it says that it is none. */
  action?: { label: string; run(): void; isNoUndo?: true };
}

export interface Toast extends Notice {
  id: number;
}

export const SHOWN_MS = 7_000;
/** Whoever is read to hears the text first, and then has to get to the button. */
export const WITH_ACTION_MS = 20_000;

export const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));

const timers = new Map<number, ReturnType<typeof setTimeout>>();
/** Those that are pointed at or have the focus: until they are left, none goes by itself, for the others would move them. */
const held = new Set<number>();
/** Changes that are on their way, the oldest first. */
const underway = new Set<{ id: number; isTakenBack: boolean }>();
/** Ways back that stand elsewhere on the page than in a notice, by their places. */
const elsewhere = new Map<number, () => void>();
let last = 0;

export function showToast(text: string, action?: Notice["action"]): void {
  show({ id: ++last, text, ...(action ? { action } : {}) });
}

/**
 * Shows what a change says when it is done, or why it was not. Until then it is the latest for `undoLatest`
 * all the same: its way back is taken as soon as there is one.
 */
export async function showWhenDone(change: Promise<Notice | null>): Promise<void> {
  const begun = { id: ++last, isTakenBack: false };
  underway.add(begun);
  try {
    const notice = await change;
    if (begun.isTakenBack && isWayBack(notice?.action)) notice.action.run();
    else if (notice) show({ ...notice, id: begun.id });
  } catch (error) {
    show({ id: begun.id, text: (error as Error).message });
  } finally {
    underway.delete(begun);
  }
}

function show(toast: Toast): void {
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

/** The place of what was done just now among all that can be undone: the latest is undone first. */
export const takePlace = (): number => ++last;

/** Has `undoLatest` know a way back that the page shows itself, until what is returned is called. */
export function offerWayBack(place: number, run: () => void): () => void {
  elsewhere.set(place, run);
  return () => void elsewhere.delete(place);
}

/** Takes the way back of what was done last, or is being done, if one still is offered. */
export function undoLatest(): void {
  const shown = useToasts.getState().toasts.filter(({ action }) => isWayBack(action));
  const offered = [...shown.map(({ id, action }) => ({ id, run: action?.run })), ...[...elsewhere].map(([id, run]) => ({ id, run }))];
  const waiting = [...underway].filter(({ isTakenBack }) => !isTakenBack);
  const latest = Math.max(...[...offered, ...waiting].map(({ id }) => id));
  const begun = waiting.find(({ id }) => id === latest);
  if (begun) begun.isTakenBack = true;
  offered.find(({ id }) => id === latest)?.run?.();
  hideToast(latest);
}

const isWayBack = (action: Notice["action"]): action is NonNullable<Notice["action"]> => action !== undefined && !action.isNoUndo;

function begin({ id, action }: Toast): void {
  timers.set(id, setTimeout(() => hideToast(id), action ? WITH_ACTION_MS : SHOWN_MS));
}
