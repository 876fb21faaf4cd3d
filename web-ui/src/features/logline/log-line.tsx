import { useMemo, useSyncExternalStore } from "react";
import { DatePill } from "./date-pill";
import { EntryCard } from "./entry-card";
import { layOut } from "./layout";
import { LINE_X, LineDrawing } from "./line-drawing";
import type { LogLineEntry } from "./types";
import { useHeight } from "./use-height";
import { useTravel } from "./use-travel";
import { useWording } from "./wording";
import "./log-line.css";

type LogLineProps = {
  /** Oldest first. Keep the same array while nothing changed. */
  entries: readonly LogLineEntry[];
  /** The message that the reader is at. */
  activeId: string | null;
  onTravel: (id: string) => void;
};

const NARROW = "(max-width: 767px)";

function watchWidth(onChange: () => void): () => void {
  const query = window.matchMedia?.(NARROW);
  query?.addEventListener("change", onChange);
  return () => query?.removeEventListener("change", onChange);
}

function useIsNarrow(): boolean {
  return useSyncExternalStore(watchWidth, () => window.matchMedia?.(NARROW).matches ?? false);
}

function useActiveIndex(entries: readonly LogLineEntry[], activeId: string | null): number {
  const indexes = useMemo(() => new Map(entries.map((entry, index) => [entry.id, index])), [entries]);
  return activeId === null ? -1 : (indexes.get(activeId) ?? -1);
}

type LineProps = Omit<LogLineProps, "activeId"> & { active: number };

function Line({ entries, active, onTravel }: LineProps) {
  const wording = useWording();
  const { ref, height } = useHeight<HTMLDivElement>();
  const layout = useMemo(() => layOut(entries, height), [entries, height]);
  const { pointed, reached, handlers } = useTravel(entries, layout, active, onTravel);
  const now = Math.max(reached, 0);
  const entry = entries[now];
  const activePlace = layout.places[active];
  const pointedPlace = pointed === null ? undefined : layout.places[pointed];
  return (
    <div className="ll" ref={ref}>
      <div
        className="ll-slider"
        role="slider"
        tabIndex={0}
        aria-label={wording.t("logline.label")}
        aria-orientation="vertical"
        aria-valuemin={1}
        aria-valuemax={Math.max(entries.length, 1)}
        aria-valuenow={now + 1}
        aria-valuetext={entry ? wording.describe(entry, now + 1, entries.length) : undefined}
        {...handlers}
      >
        <LineDrawing layout={layout} height={height} wording={wording} />
        {activePlace === undefined ? null : (
          <>
            <span className="ll-wake" style={{ left: `${LINE_X}px`, height: `${activePlace}px` }} />
            <span className="ll-here" style={{ left: `${LINE_X}px`, transform: `translateY(${activePlace}px)` }} />
          </>
        )}
        {pointedPlace === undefined ? null : (
          <span className="ll-pointer" style={{ left: `${LINE_X}px`, transform: `translateY(${pointedPlace}px)` }} />
        )}
      </div>
      {pointed === null || pointedPlace === undefined ? null : (
        <EntryCard entries={entries} index={pointed} place={pointedPlace} height={height} wording={wording} />
      )}
    </div>
  );
}

/** The margin of the ship's log: a map of the conversation by time, to look at and to travel by. */
export function LogLine({ entries, activeId, onTravel }: LogLineProps) {
  const isNarrow = useIsNarrow();
  const active = useActiveIndex(entries, activeId);
  if (entries.length === 0) return null;
  if (isNarrow) return <DatePill entries={entries} active={active} onTravel={onTravel} />;
  return <Line entries={entries} active={active} onTravel={onTravel} />;
}
