import { memo } from "react";
import type { Band, Density, LogLineLayout, Tick } from "./layout";
import type { Wording } from "./wording";

/** The line stands here, labels end before it, flags fly after it (pixels from the left). */
export const LINE_X = 56;
export const LINE_WIDTH = 80;
const LABEL_END = 44;

/** A figure-of-eight knot across the line, and a pennant. */
const KNOT = "M-6.5 0C-6.5 4.6-1 4.6 0 0C1-4.6 6.5-4.6 6.5 0C6.5 4.6 1 4.6 0 0C-1-4.6-6.5-4.6-6.5 0Z";
const FLAG = "M0 2.5V-7.5L8.5-5L0-2.5";
const SMALL_FLAG = "M0 1.5V-4.5L5.5-2.75L0-1";

const RADIUS: Record<Density, number> = { roomy: 3.25, close: 2.25, crowded: 1.5 };

function at(x: number, place: number): string {
  return `translate(${x} ${place.toFixed(1)})`;
}

type MarkProps = { band: Band; density: Density; most: number };

function Mark({ band, density, most }: MarkProps) {
  const transform = at(LINE_X, band.place);
  if (density !== "crowded") return <circle className={`ll-dot ll-${band.role}`} r={RADIUS[density]} transform={transform} />;
  const width = 3 + 17 * Math.sqrt(band.count / most);
  return <path className="ll-many" d={`M${(-width / 2).toFixed(1)} 0h${width.toFixed(1)}`} transform={transform} />;
}

function TickMark({ tick, wording }: { tick: Tick; wording: Wording }) {
  const length = tick.kind === "hour" ? 4 : 9;
  return (
    <g transform={`translate(0 ${tick.place.toFixed(1)})`}>
      <path className={`ll-tick ll-tick-${tick.kind}`} d={`M${LINE_X - length}.5 0H${LINE_X}`} />
      {tick.names ? (
        <text className="ll-label" x={LABEL_END} y={3.5} textAnchor="end">
          {wording.name(tick.names.at, tick.names.unit)}
        </text>
      ) : null}
    </g>
  );
}

type LineDrawingProps = { layout: LogLineLayout; height: number; wording: Wording };

/** Everything on the line that does not move with the reader. */
export const LineDrawing = memo(function LineDrawing({ layout, height, wording }: LineDrawingProps) {
  const most = layout.bands.reduce((count, band) => Math.max(count, band.count), 1);
  const isCrowded = layout.density === "crowded";
  return (
    <svg className="ll-drawing" width={LINE_WIDTH} height={height} aria-hidden focusable={false}>
      <path className="ll-line" d={`M${LINE_X} 0V${layout.end.toFixed(1)}`} />
      {layout.ticks.map((tick, index) => (
        <TickMark key={index} tick={tick} wording={wording} />
      ))}
      {layout.brackets.map(({ from, to }) => (
        <path key={from} className="ll-bracket" d={`M${LINE_X + 16} ${(from - 3).toFixed(1)}h4V${(to + 3).toFixed(1)}h-4`} />
      ))}
      {layout.bands.map((band, index) => (
        <Mark key={index} band={band} density={layout.density} most={most} />
      ))}
      {layout.knots.map((place) => (
        <path key={place} className="ll-knot" d={KNOT} transform={`${at(LINE_X, place)}${isCrowded ? " scale(0.75)" : ""}`} />
      ))}
      {layout.flags.map((place) => (
        <path
          key={place}
          className="ll-flag"
          d={layout.density === "roomy" ? FLAG : SMALL_FLAG}
          transform={at(LINE_X + (isCrowded ? 13 : 8), place)}
        />
      ))}
    </svg>
  );
});
