import type { LogLineEntry } from "./types";
import type { Wording } from "./wording";

type NeighbourProps = { entry: LogLineEntry | undefined; wording: Wording };

function Neighbour({ entry, wording }: NeighbourProps) {
  if (!entry) return null;
  return (
    <p className="ll-neighbour">
      <span className="ll-time">{wording.time(entry.at)}</span> {entry.preview}
    </p>
  );
}

function readNotes(entry: LogLineEntry, { t }: Wording): string {
  const notes = [
    entry.continued ? t("logline.continued") : "",
    entry.ideas > 0 ? t("logline.ideas", { count: entry.ideas }) : "",
  ];
  return notes.filter(Boolean).join(" · ");
}

type EntryCardProps = {
  entries: readonly LogLineEntry[];
  index: number;
  place: number;
  height: number;
  wording: Wording;
};

const CARD_HALF = 64;

/** Beside the pointed place: when, who, the first words, and what stands before and after. */
export function EntryCard({ entries, index, place, height, wording }: EntryCardProps) {
  const entry = entries[index];
  if (!entry) return null;
  const notes = readNotes(entry, wording);
  const top = Math.min(Math.max(place, CARD_HALF), Math.max(CARD_HALF, height - CARD_HALF));
  return (
    <div className="ll-card" style={{ top: `${top}px` }} aria-hidden>
      <Neighbour entry={entries[index - 1]} wording={wording} />
      <div className="ll-entry">
        <p className="ll-when">
          {wording.date(entry.at)} <span className="ll-time">{wording.time(entry.at)}</span>
          <span className="ll-role">{wording.role(entry)}</span>
        </p>
        <p className="ll-preview">{entry.preview}</p>
        {notes ? <p className="ll-notes">{notes}</p> : null}
      </div>
      <Neighbour entry={entries[index + 1]} wording={wording} />
    </div>
  );
}
