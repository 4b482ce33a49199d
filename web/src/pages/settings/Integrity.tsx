/** Whether what was recorded can be trusted: entrances that need a repair (D), records and accounts to look at (N). */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useIntegrity } from "../../api/queries";
import type { IntegrityItem } from "../../api/types";
import { useTold, useWords, word } from "../../i18n";
import { Answer, Panel } from "../../ui/Panel";

export function IntegrityPanel(): ReactNode {
  const { integrity: t } = useWords();
  const query = useIntegrity();
  return (
    <>
      <p className="faint">{t.hint}</p>
      <Panel id="integrity-entrances" title={t.entrances}>
        <Answer query={query} empty={(d) => d.entrances.length === 0} emptyText={t.entrancesEmpty}>{(d) => <Hints items={d.entrances} label={t.entrances} />}</Answer>
      </Panel>
      <Panel id="integrity-data" title={t.data}>
        <Answer query={query} empty={(d) => d.data.length === 0} emptyText={t.dataEmpty}>{(d) => <Hints items={d.data} label={t.data} />}</Answer>
      </Panel>
    </>
  );
}

function Hints({ items, label }: { items: IntegrityItem[]; label: string }): ReactNode {
  const { integrity: t } = useWords();
  const told = useTold();
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={label}>
      <table className="plain">
        <thead><tr>{t.head.map((text) => <th key={text}>{text}</th>)}</tr></thead>
        <tbody>
          {items.map((one, i) => (
            <tr key={`${one.rule}${one.subject}${i}`} data-testid="integrity" data-rule={one.rule}>
              <td><code>{one.rule}</code> {told(one.title_zh, one.title_en)}</td>
              <td><span className="faint">{word(t.about, one.about)}</span> <Subject one={one} /></td>
              <td>{told(one.text_zh, one.text_en)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Where the thing has a page of its own, the way to it. */
function Subject({ one }: { one: IntegrityItem }): ReactNode {
  const name = one.name || one.subject;
  if (one.about === "device") return <Link to={`/devices/${encodeURIComponent(one.subject)}`}>{name}</Link>;
  if (one.about === "dwelling") return <Link to={`/dwellings/${encodeURIComponent(one.subject)}`}>{name}</Link>;
  if (one.about === "door") return <Link to="/doors">{name}</Link>;
  if (one.about === "source") return <Link to="/tenancy">{name}</Link>;
  return one.name ? <span>{name}</span> : <code>{name}</code>;
}
