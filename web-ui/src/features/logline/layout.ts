import { dayOf, hourOf, monthOf, startOfNextHour, yearOf } from "./calendar";
import type { LogLineEntry } from "./types";

/**
 * Where things stand on the line. Messages keep their order and get equal room, silence between them adds a
 * little (by its logarithm), so that an evening reads as an evening and a month's pause does not empty the line.
 * Lengths are pixels.
 */
export type LogLineLayout = {
  /** The place of each entry, ascending. */
  places: Float64Array;
  density: Density;
  bands: Band[];
  /** Where an answer went on after a restart, and where there are ideas; thinned where they would touch. */
  knots: number[];
  flags: number[];
  ticks: Tick[];
  /** Sections that the model sees as a summary. */
  brackets: Bracket[];
  /** Where the line ends. */
  end: number;
};

export type Bracket = { from: number; to: number };

/** What stands at one place: one message, or on a crowded line all those that share it. */
export type Band = {
  place: number;
  /** Index of the first entry. */
  first: number;
  count: number;
  role: LogLineEntry["role"];
};

/** A dot for each message, a smaller dot, or strokes as long as the messages under them are many. */
export type Density = "roomy" | "close" | "crowded";

export type Tick = {
  place: number;
  kind: "day" | "hour";
  /** The entry that begins the day (or the month, the year) that is named here; absent for a bare tick. */
  names?: { at: number; unit: Unit };
};

export type Unit = "day" | "month" | "year";

const ROOM_PER_ENTRY = 18;
const ROOM_FOR_NEW_DAY = 1.6;
const LARGEST_PAUSE = 2;
const ROOMY = 9;
const CLOSE = 5.5;
/** On a crowded line marks nearer than this are drawn as one. */
const BAND = 4;
const KNOT_ROOM = 26;
const FLAG_ROOM = 18;
const LABEL_ROOM = 22;
const TICK_ROOM = 4;
const HOUR_ROOM = 9;
const MARGIN = 14;
const HOUR_MS = 3_600_000;

const UNITS: { unit: Unit; keyOf: (at: number) => number }[] = [
  { unit: "day", keyOf: dayOf },
  { unit: "month", keyOf: monthOf },
  { unit: "year", keyOf: yearOf },
];

/** The room before an entry, in entries. */
function roomBefore(entry: LogLineEntry, previous: LogLineEntry | undefined): number {
  if (!previous) return ROOM_FOR_NEW_DAY;
  const minutes = Math.max(0, entry.at - previous.at) / 60_000;
  const pause = Math.min(LARGEST_PAUSE, Math.log2(1 + minutes / 10) * 0.35);
  return 1 + pause + (dayOf(entry.at) === dayOf(previous.at) ? 0 : ROOM_FOR_NEW_DAY);
}

type Placed = { places: Float64Array; density: Density };

function densityOf(scale: number): Density {
  if (scale >= ROOMY) return "roomy";
  return scale >= CLOSE ? "close" : "crowded";
}

function placeEntries(entries: readonly LogLineEntry[], height: number): Placed {
  const places = new Float64Array(entries.length);
  let sum = 0;
  entries.forEach((entry, index) => {
    sum += roomBefore(entry, entries[index - 1]);
    places[index] = sum;
  });
  const scale = Math.min(ROOM_PER_ENTRY, Math.max(0, height - 2 * MARGIN) / Math.max(sum, 1));
  return { places: places.map((place) => MARGIN + place * scale), density: densityOf(scale) };
}

function joinIntoBands(entries: readonly LogLineEntry[], places: Float64Array): Band[] {
  const bands: Band[] = [];
  entries.forEach((entry, index) => {
    const place = places[index] ?? 0;
    const last = bands.at(-1);
    if (last && place - last.place < BAND) last.count += 1;
    else bands.push({ place, first: index, count: 1, role: entry.role });
  });
  return bands;
}

function findBrackets(entries: readonly LogLineEntry[], places: Float64Array): Bracket[] {
  const brackets: Bracket[] = [];
  let isInside = false;
  entries.forEach((entry, index) => {
    const place = places[index] ?? 0;
    const last = brackets.at(-1);
    if (entry.summarised && isInside && last) last.to = place;
    else if (entry.summarised) brackets.push({ from: place, to: place });
    isInside = entry.summarised === true;
  });
  return brackets;
}

function findPlaces(
  entries: readonly LogLineEntry[],
  places: Float64Array,
  room: number,
  isWanted: (entry: LogLineEntry) => boolean,
): number[] {
  const found = entries.flatMap((entry, index) => (isWanted(entry) ? [{ place: places[index] ?? 0 }] : []));
  return spread(found, room).map(({ place }) => place);
}

type Beginning = { place: number; at: number };

/** The places at which a new day (month, year) begins: just above its first entry. */
function findBeginnings(
  entries: readonly LogLineEntry[],
  places: Float64Array,
  keyOf: (at: number) => number,
): Beginning[] {
  const beginnings: Beginning[] = [];
  let known: number | undefined;
  entries.forEach((entry, index) => {
    const key = keyOf(entry.at);
    if (key === known) return;
    known = key;
    const place = places[index] ?? 0;
    const above = places[index - 1] ?? MARGIN;
    beginnings.push({ place: place - Math.min((place - above) * 0.6, ROOM_PER_ENTRY), at: entry.at });
  });
  return beginnings;
}

function spread<Item extends { place: number }>(items: readonly Item[], room: number): Item[] {
  let last = Number.NEGATIVE_INFINITY;
  return items.filter(({ place }) => {
    if (place - last < room) return false;
    last = place;
    return true;
  });
}

/** Names days while there is room for nearly all of them, then months, then years. */
function findNames(entries: readonly LogLineEntry[], places: Float64Array): Tick[] {
  for (const { unit, keyOf } of UNITS) {
    const beginnings = findBeginnings(entries, places, keyOf);
    const named = spread(beginnings, LABEL_ROOM);
    if (unit === "year" || named.length >= beginnings.length * 0.75) {
      return named.map(({ place, at }) => ({ place, kind: "day", names: { at, unit } }));
    }
  }
  return [];
}

/** Full hours within a day, placed between the messages around them. */
function findHours(entries: readonly LogLineEntry[], places: Float64Array): Tick[] {
  const hours: Tick[] = [];
  for (let index = 1; index < entries.length; index += 1) {
    const before = entries[index - 1];
    const after = entries[index];
    if (!before || !after || hourOf(before.at) === hourOf(after.at) || dayOf(before.at) !== dayOf(after.at)) continue;
    const from = places[index - 1] ?? 0;
    const room = (places[index] ?? 0) - from;
    for (let at = startOfNextHour(before.at); at <= after.at; at += HOUR_MS) {
      hours.push({ place: from + (room * (at - before.at)) / Math.max(1, after.at - before.at), kind: "hour" });
    }
  }
  return hours;
}

function placeTicks(entries: readonly LogLineEntry[], { places, density }: Placed): Tick[] {
  const names = findNames(entries, places);
  if (density === "crowded") return names;
  const days = spread(findBeginnings(entries, places, dayOf), TICK_ROOM).map(
    ({ place }): Tick => ({ place, kind: "day" }),
  );
  const hours = density === "roomy" ? spread(findHours(entries, places), HOUR_ROOM) : [];
  const taken = new Set(names.map(({ place }) => place));
  return [...names, ...days.filter(({ place }) => !taken.has(place)), ...hours];
}

/** Raises nothing; an empty list gives an empty line. `height` is the room for the whole line. */
export function layOut(entries: readonly LogLineEntry[], height: number): LogLineLayout {
  const placed = placeEntries(entries, height);
  const { places, density } = placed;
  return {
    places,
    density,
    bands: joinIntoBands(entries, places),
    knots: findPlaces(entries, places, density === "crowded" ? KNOT_ROOM : 0, (entry) => entry.continued),
    flags: findPlaces(entries, places, density === "crowded" ? FLAG_ROOM : 0, (entry) => entry.ideas > 0),
    ticks: placeTicks(entries, placed),
    brackets: findBrackets(entries, places),
    end: (places.at(-1) ?? 0) + (entries.length > 0 ? MARGIN / 2 : 0),
  };
}

/** The index of the entry nearest to `place`, or -1 on an empty line. */
export function findNearest(places: Float64Array, place: number): number {
  let low = 0;
  let high = places.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) < place) low = middle + 1;
    else high = middle;
  }
  const above = places[low - 1];
  const isAboveNearer = above !== undefined && place - above < (places[low] ?? 0) - place;
  return isAboveNearer ? low - 1 : high;
}

/** The first entry of the day before or after that of `index`; the ends of the line when there is none. */
export function findDay(entries: readonly LogLineEntry[], index: number, direction: -1 | 1): number {
  const day = dayOf(entries[index]?.at ?? 0);
  if (direction === 1) {
    const next = entries.findIndex((entry, at) => at > index && dayOf(entry.at) !== day);
    return next < 0 ? entries.length - 1 : next;
  }
  const own = entries.findIndex((entry) => dayOf(entry.at) === day);
  if (own < index) return Math.max(own, 0);
  const previousDay = dayOf(entries[own - 1]?.at ?? 0);
  return Math.max(0, entries.findIndex((entry) => dayOf(entry.at) === previousDay));
}
