import type { ReactNode } from "react";

import { classNames } from "@/shared/ui/class-names";
import { NARROW, useMedia } from "@/shared/ui/use-media";

export interface Column<Row> {
  id: string;
  label: string;
  cell(row: Row): ReactNode;
  /** Figures stand at the right, one below the other. */
  isFigure?: boolean;
  /** The name of the row: stands alone at the top of its card on a phone. */
  isName?: boolean;
  /** Buttons: without a heading, at the end. */
  isActions?: boolean;
}

interface TableProps<Row> {
  /** What is listed; read out, not shown. */
  caption: string;
  columns: Column<NoInfer<Row>>[];
  rows: readonly Row[];
  keyOf(row: Row): string;
  /** Few and narrow columns: they are columns on a phone, too. */
  isNarrow?: boolean;
}

/** A table that is a list of cards where there is no room for columns. */
export function Table<Row>({ caption, columns, rows, keyOf, isNarrow = false }: TableProps<Row>) {
  const isCards = useMedia(NARROW) && !isNarrow;
  return (
    <table className={classNames("w-full border-collapse text-sm", isCards && "block")}>
      <caption className="sr-only">{caption}</caption>
      <thead className={isCards ? "sr-only" : undefined}>
        <tr>
          {columns.map((column) => (
            <th
              key={column.id}
              scope="col"
              className={classNames(
                "border-b border-line-strong pr-4 pb-2 text-left align-bottom font-medium text-quiet last:pr-0",
                column.isFigure && "text-right",
              )}
            >
              {column.isActions ? <span className="sr-only">{column.label}</span> : column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody className={isCards ? "block" : undefined}>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={classNames("border-b border-line", isCards && "relative block py-3")}>
            {columns.map((column) => (
              <Cell key={column.id} column={column} row={row} isCards={isCards} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps<Row> {
  column: Column<Row>;
  row: Row;
  isCards: boolean;
}

function Cell<Row>({ column, row, isCards }: CellProps<Row>) {
  const { label, isFigure, isName, isActions } = column;
  const content = column.cell(row);
  const hasLabel = isCards && !isName && !isActions;
  const className = isCards
    ? classNames(
        "py-0.5",
        hasLabel ? "flex gap-3" : "block",
        isFigure && "tabular",
        isName && "pr-28",
        isActions && "absolute top-2 right-0",
        (content === null || content === "") && "hidden",
      )
    : classNames("py-2.5 pr-4 align-top last:pr-0", isFigure && "tabular text-right", isActions && "text-right whitespace-nowrap");
  const inner = hasLabel ? (
    <>
      <span aria-hidden className="w-28 shrink-0 text-quiet">
        {label}
      </span>
      <span className="min-w-0 wrap-anywhere">{content}</span>
    </>
  ) : (
    content
  );
  return isName ? (
    <th scope="row" className={classNames(className, "text-left font-medium break-words")}>
      {inner}
    </th>
  ) : (
    <td className={className}>{inner}</td>
  );
}
