/** A picture, or the same numbers as a table. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { useWords } from "../i18n";

export interface Plain { head: string[]; rows: (string | number)[][] }

export function PlainTable({ head, rows, label }: Plain & { label: string }): ReactNode {
  return (
    <div className="table-scroll" style={{ maxHeight: 320, overflow: "auto" }} tabIndex={0} role="group" aria-label={label}>
      <table className="plain">
        <thead><tr>{head.map((text) => <th key={text}>{text}</th>)}</tr></thead>
        <tbody>{rows.map((row, i) => <tr key={row[0] ?? i}>{row.map((text, k) => <td key={head[k]}>{text}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

export function ChartOrTable({ chart, table, label }: { chart: ReactNode; table: Plain; label: string }): ReactNode {
  const t = useWords().common;
  const [asTable, setAsTable] = useState(false);
  return (
    <>
      {asTable ? <PlainTable {...table} label={label} /> : chart}
      <Button size="small" onClick={() => setAsTable(!asTable)} aria-pressed={asTable}>{asTable ? t.chart : t.table}</Button>
    </>
  );
}
