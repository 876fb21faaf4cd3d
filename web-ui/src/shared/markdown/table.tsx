import type { Links, Tokens } from "marked";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Inline } from "./inline";
import { useScrollable } from "./scrollable";

type Align = Tokens.TableCell["align"];

function classOf(align: Align): string | undefined {
  return align === "center" || align === "right" ? `md-align-${align}` : undefined;
}

type RowProps = { cells: Tokens.TableCell[]; links: Links; growing: boolean };

function isSameRow(before: RowProps, after: RowProps): boolean {
  return (
    before.links === after.links &&
    before.growing === after.growing &&
    before.cells.length === after.cells.length &&
    before.cells.every(
      (cell, index) => cell.text === after.cells[index]?.text && cell.align === after.cells[index]?.align,
    )
  );
}

const Row = memo(function Row({ cells, links, growing }: RowProps) {
  const last = cells.findLastIndex((cell) => cell.text !== "");
  return (
    <tr>
      {cells.map((cell, index) => {
        const content = <Inline source={cell.text} links={links} growing={growing && index === last} />;
        return cell.header ? (
          <th key={index} scope="col" className={classOf(cell.align)}>
            {content}
          </th>
        ) : (
          <td key={index} className={classOf(cell.align)}>
            {content}
          </td>
        );
      })}
    </tr>
  );
}, isSameRow);

type TableProps = { token: Tokens.Table; links: Links; growing: boolean };

export function Table({ token, links, growing }: TableProps) {
  const { t } = useTranslation();
  const scrollable = useScrollable<HTMLDivElement>();
  const lastRow = token.rows.length - 1;
  return (
    <div className="md-table" role="group" aria-label={t("markdown.table")} {...scrollable}>
      <table dir="auto">
        <thead>
          <Row cells={token.header} links={links} growing={growing && lastRow < 0} />
        </thead>
        <tbody>
          {token.rows.map((cells, index) => (
            <Row key={index} cells={cells} links={links} growing={growing && index === lastRow} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
