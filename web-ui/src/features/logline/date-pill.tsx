import { useMemo, useRef, type MouseEvent } from "react";
import { dayOf, monthOf, yearOf } from "./calendar";
import type { LogLineEntry } from "./types";
import { useWording } from "./wording";

type Stop = { id: string; at: number; preview: string; count: number; ideas: number };

const MOST_STOPS = 150;

function gather(entries: readonly LogLineEntry[], keyOf: (at: number) => number): Stop[] {
  const stops: Stop[] = [];
  let known: number | undefined;
  for (const entry of entries) {
    const key = keyOf(entry.at);
    const last = stops.at(-1);
    if (last && key === known) {
      last.count += 1;
      last.ideas += entry.ideas;
    } else {
      stops.push({ id: entry.id, at: entry.at, preview: entry.preview, count: 1, ideas: entry.ideas });
    }
    known = key;
  }
  return stops;
}

/** The days of a conversation; its months or years when there are too many days to choose from. */
export function findStops(entries: readonly LogLineEntry[]): Stop[] {
  const days = gather(entries, dayOf);
  if (days.length <= MOST_STOPS) return days;
  const months = gather(entries, monthOf);
  return months.length <= MOST_STOPS ? months : gather(entries, yearOf);
}

type DatePillProps = {
  entries: readonly LogLineEntry[];
  active: number;
  onTravel: (id: string) => void;
};

/** The log line on a phone: where the reader is, and on a touch the days to travel to. */
export function DatePill({ entries, active, onTravel }: DatePillProps) {
  const wording = useWording();
  const sheet = useRef<HTMLDialogElement>(null);
  const stops = useMemo(() => findStops(entries), [entries]);
  const here = entries[active] ?? entries.at(-1);
  if (!here) return null;
  const current = stops.findLast((stop) => stop.at <= here.at);
  const closeOutside = (event: MouseEvent) => {
    if (event.target === sheet.current) sheet.current?.close();
  };
  const travel = (id: string) => {
    sheet.current?.close();
    onTravel(id);
  };
  return (
    <>
      <button type="button" className="ll-pill" aria-haspopup="dialog" onClick={() => sheet.current?.showModal()}>
        <span className="ll-pill-mark" aria-hidden />
        {wording.date(here.at)} <span className="ll-time">{wording.time(here.at)}</span>
      </button>
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- Escape closes a dialog by itself */}
      <dialog ref={sheet} className="ll-sheet" aria-labelledby="ll-sheet-title" onClick={closeOutside}>
        <h2 id="ll-sheet-title">{wording.t("logline.travel")}</h2>
        <ol>
          {stops.map((stop) => (
            <li key={stop.id}>
              <button type="button" aria-current={stop === current ? "date" : undefined} onClick={() => travel(stop.id)}>
                <span className="ll-stop-date">{wording.date(stop.at)}</span>
                <span className="ll-stop-count">{wording.t("logline.messages", { count: stop.count })}</span>
                <span className="ll-stop-preview">{stop.preview}</span>
              </button>
            </li>
          ))}
        </ol>
      </dialog>
    </>
  );
}
