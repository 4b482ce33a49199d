/** The lines of an explanation: of a dwelling, a person, a door, or one credential. */

import { Button, Input } from "antd";
import { type ReactNode, useState } from "react";
import { useExplain, useExplainCredential, useExplainDoor, useExplainPerson } from "../../api/queries";
import type { Explain } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { Mark, StateMark } from "../../ui/Mark";
import { OnDevices } from "../../ui/OnDevices";
import { Answer, Empty, Panel } from "../../ui/Panel";

export function ExplainDwelling({ id }: { id: string }): ReactNode {
  const { explain: t } = useWords();
  return (
    <Panel id="explained" title={t.found} live>
      <Answer query={useExplain(id)} empty={(e) => e.lines.length === 0} emptyText={t.nobody}>{(e) => <Lines lines={e.lines} />}</Answer>
    </Panel>
  );
}

export function ExplainCredential({ token }: { token: string }): ReactNode {
  const { explain: t } = useWords();
  return (
    <Panel id="explained" title={t.found} live>
      <Answer query={useExplainCredential(token)} empty={(e) => e.lines.length === 0} emptyText={t.nobody}>{(e) => <Lines lines={e.lines} />}</Answer>
    </Panel>
  );
}

export function ExplainPerson({ id }: { id: string }): ReactNode {
  const { explain: t, passes } = useWords();
  const told = useTold();
  return (
    <Panel id="explained" title={t.found} live>
      <Answer query={useExplainPerson(id)}>
        {(e) => (
          <>
            <p><strong className="big">{e.name}</strong> <span className="faint">{told(e.households, e.households_en).join(passes.comma)}</span></p>
            <p data-testid="person-summary"><Mark tone={e.devices === 0 ? "none" : e.confirmed === e.devices ? "good" : "warn"}>{told(e.summary, e.summary_en)}</Mark></p>
            <WhyNot reasons={told(e.not_because, e.not_because_en)} />
            {e.lines.length ? <Lines lines={e.lines} /> : <Empty text={t.nobody} />}
          </>
        )}
      </Answer>
    </Panel>
  );
}

const PAGE = 100;

export function ExplainDoor({ id }: { id: string }): ReactNode {
  const { explain: t, words, common } = useWords();
  const told = useTold();
  const [label, setLabel] = useState("");
  const [offset, setOffset] = useState(0);
  return (
    <Panel id="explained" title={t.found} live extra={<Input.Search size="small" allowClear aria-label={t.filter} placeholder={t.filter} style={{ width: 240 }} onSearch={(text) => { setLabel(text.trim()); setOffset(0); }} />}>
      <Answer query={useExplainDoor(id, offset, label)}>
        {(e) => (
          <>
            <p>
              <strong className="big">{e.name}</strong> <span className="faint">{common.total(e.total)}: {Object.entries(e.by_class).map(([kind, n]) => `${word(words.holderClass, kind)} ${format.number(n)}`).join(" · ")}</span>
              {e.devices.map((device) => <span key={device.device_id}> · {device.device_name} <StateMark state={device.state} words={words.listState} /></span>)}
            </p>
            <WhyNot reasons={told(e.shut, e.shut_en)} />
            {e.lines.length ? <Lines lines={e.lines} /> : <Empty text={t.nobodyHere} />}
            {e.total > PAGE ? (
              <p className="tools">
                <Button size="small" disabled={offset === 0} onClick={() => setOffset(offset - PAGE)}>{t.before}</Button>
                <span>{t.page(offset + 1, Math.min(offset + PAGE, e.total), e.total)}</span>
                <Button size="small" disabled={offset + PAGE >= e.total} onClick={() => setOffset(offset + PAGE)}>{t.after}</Button>
              </p>
            ) : null}
          </>
        )}
      </Answer>
    </Panel>
  );
}

/** Why not, each with what to do. */
function WhyNot({ reasons }: { reasons: string[] }): ReactNode {
  const { explain: t } = useWords();
  return reasons.length ? <ul className="bullets" aria-label={t.whyNot} data-testid="why-not">{reasons.map((one) => <li key={one}><Mark tone="warn">{one}</Mark></li>)}</ul> : null;
}

function Lines({ lines }: { lines: Explain["lines"] }): ReactNode {
  const { explain: t } = useWords();
  const c = t.columns;
  const told = useTold();
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={t.found}>
      <table className="plain cards">
        <thead><tr><th>{c.who}</th><th>{c.where}</th><th>{c.when}</th><th>{c.because}</th><th>{c.ways}</th><th>{c.devices}</th></tr></thead>
        <tbody>
          {lines.map((one, i) => ({ ...one, ...told(one, one.english), key: `${one.token}${one.where}${i}` })).map((line) => (
            <tr key={line.key} data-testid="explained-line">
              <td className="nowrap"><strong>{line.who}</strong></td><td data-label={c.where}>{line.where}</td><td data-label={c.when}>{line.when}</td><td data-label={c.because}>{line.because}<WhyNot reasons={line.not_because} /></td><td data-label={c.ways}>{line.ways}</td>
              <td><OnDevices devices={line.devices} who={line.who} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
