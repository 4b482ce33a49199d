/** Who may pass where and when, because of what, and what the devices say to it. */

import type { ReactNode } from "react";
import { useExplain } from "../../api/queries";
import { useTold, useWords } from "../../i18n";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

export function Why({ dwellingId }: { dwellingId: string }): ReactNode {
  const { dwelling: t, words } = useWords();
  const told = useTold();
  return (
    <Panel id="why" title={t.why}>
      <Answer query={useExplain(dwellingId)} empty={(e) => e.lines.length === 0} emptyText={t.whyEmpty}>
        {(e) => (
          <div className="table-scroll" tabIndex={0} role="group" aria-label={t.why}>
            <table className="plain">
              <thead><tr><th>{t.whyColumns.who}</th><th>{t.whyColumns.where}</th><th>{t.whyColumns.when}</th><th>{t.whyColumns.because}</th></tr></thead>
              <tbody>
                {e.lines.map((one, i) => ({ ...one, ...told(one, one.english), key: `${one.who}${one.where}${i}` })).map((line) => (
                  <tr key={line.key}>
                    <td>{line.who}</td>
                    <td>{line.where}<div>{[...new Set(line.devices.map((device) => device.state))].map((state) => <StateMark key={state} state={state} words={words.heldState} />)}</div></td>
                    <td>{line.when}</td>
                    <td>{line.because}{line.not_because.map((one) => <div key={one}><Mark tone="warn">{one}</Mark></div>)}</td>
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
