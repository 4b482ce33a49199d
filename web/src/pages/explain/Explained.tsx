/** The lines of an explanation. */

import type { ReactNode } from "react";
import { useExplain } from "../../api/queries";
import type { Explain } from "../../api/types";
import { useWords } from "../../i18n";
import { OnDevices } from "../../ui/OnDevices";
import { Answer, Panel } from "../../ui/Panel";

export function ExplainDwelling({ id }: { id: string }): ReactNode {
  const { explain: t } = useWords();
  return (
    <Panel id="explained" title={t.found} live>
      <Answer query={useExplain(id)} empty={(e) => e.lines.length === 0} emptyText={t.nobody}>{(e) => <Lines lines={e.lines} />}</Answer>
    </Panel>
  );
}

export function Lines({ lines }: { lines: Explain["lines"] }): ReactNode {
  const { explain: t } = useWords();
  const c = t.columns;
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={t.found}>
      <table className="plain">
        <thead><tr><th>{c.who}</th><th>{c.where}</th><th>{c.when}</th><th>{c.because}</th><th>{c.ways}</th><th>{c.devices}</th></tr></thead>
        <tbody>
          {lines.map((line, i) => (
            <tr key={`${line.who}${line.where}${i}`} data-testid="explained-line">
              <td>{line.who}</td><td>{line.where}</td><td>{line.when}</td><td>{line.because}</td><td>{line.ways}</td>
              <td><OnDevices devices={line.devices} who={line.who} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
