/** Records that were not taken, each with its reason and what to do. None is lost. */

import type { ReactNode } from "react";
import { useRefusedRows } from "../../api/queries";
import * as format from "../../format";
import { useWords, useSaid } from "../../i18n";
import { useZone } from "../../session";
import { Answer, Panel } from "../../ui/Panel";

export function RefusedRows(): ReactNode {
  const said = useSaid();
  const { tenancy: t } = useWords();
  const zone = useZone();
  const c = t.refusedColumns;
  return (
    <Panel id="refused-rows" title={t.refused}>
      <Answer query={useRefusedRows()} empty={(d) => d.items.length === 0} emptyText={t.refusedEmpty}>
        {(d) => (
          <div className="table-scroll" style={{ maxHeight: 320, overflow: "auto" }} tabIndex={0} role="group" aria-label={t.refused}>
            <table className="plain">
              <thead><tr><th>{c.key}</th><th>{c.reason}</th><th>{c.raw}</th><th>{c.seen}</th></tr></thead>
              <tbody>
                {d.items.map((row) => (
                  <tr key={row.id}>
                    <td>{row.key}<div className="faint">{row.source}</div></td>
                    <td>{said("reason", row.reason, row.reason_zh)}</td>
                    <td className="faint">{Object.entries(row.raw_masked).map(([key, value]) => `${key} ${value}`).join(" · ")}</td>
                    <td className="num faint">{format.clock(row.seen_at, zone)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Answer>
    </Panel>
  );
}
