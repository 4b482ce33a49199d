/** Who has a role: since when, until when, by what, on which devices; extended or taken back. */

import { Button, Radio, Segmented } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useAssignments } from "../../api/queries";
import type { Assignment, DeskAnswer } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useSession, useZone } from "../../session";
import { StateMark } from "../../ui/Mark";
import { OnDevices } from "../../ui/OnDevices";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { TimePick } from "../../ui/TimePick";
import { endOf } from "../passes/kinds";
import { useDeskDone } from "../passes/useDeskDone";
import { AssignRole } from "./AssignRole";

const ENDS = ["contract_end", "own_request", "security_incident"] as const;
const YEAR_H = 365 * 24;

export function Assignments(): ReactNode {
  const { staff: t, passes } = useWords();
  const { may } = useSession();
  const [all, setAll] = useState(false);
  return (
    <Panel id="assignments" title={t.people} live extra={(
      <>
        <Segmented size="small" aria-label={passes.which} value={all ? "all" : "active"} onChange={(value) => setAll(value === "all")} options={[{ value: "active", label: passes.activeOnly }, { value: "all", label: passes.withEnded }]} />
        {may("access.desk") ? <AssignRole /> : null}
      </>
    )}>
      <Answer query={useAssignments(all ? "all" : "active")} empty={(d) => d.items.length === 0} emptyText={t.peopleEmpty}>{(d) => <List items={d.items} />}</Answer>
    </Panel>
  );
}

function List({ items }: { items: Assignment[] }): ReactNode {
  const { staff: t } = useWords();
  const c = t.columns;
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={t.people}>
      <table className="plain">
        <thead><tr><th>{c.who}</th><th>{c.role}</th><th>{c.valid}</th><th>{c.way}</th><th>{c.devices}</th><th><span className="sr-only">{c.act}</span></th></tr></thead>
        <tbody>{items.map((item) => <Row key={item.id} item={item} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ item }: { item: Assignment }): ReactNode {
  const { staff: t, words, passes } = useWords();
  const { may } = useSession();
  const zone = useZone();
  const [asking, setAsking] = useState<"extend" | "end" | null>(null);
  const active = item.state === "active";
  return (
    <tr data-testid="assignment" data-state={item.state}>
      <td><strong>{item.holder}</strong><div className="faint">{t.assignedBy(item.assigned_by, format.minute(item.assigned_at, zone))}</div></td>
      <td>{item.role}<div className="faint">{item.organisation}</div></td>
      <td className="num">{format.minute(item.valid_from, zone)}<br />{item.valid_to ? passes.until(format.minute(item.valid_to, zone)) : t.noEnd}</td>
      <td>{word(words.way, item.identifier)}<div className="faint num">{item.number}</div></td>
      <td>
        <StateMark state={item.state} words={words.credentialState} />{item.ended_because ? <span className="faint"> {word(words.endedBecause, item.ended_because.split(":")[0])}</span> : null}{" "}
        <OnDevices devices={item.devices} who={`${item.role} · ${item.holder}`} gone={!active} none={passes.notYet} />
      </td>
      <td>
        {active && may("access.desk") ? (
          <span className="tools">
            <Button size="small" aria-label={`${t.extend}: ${item.holder}`} onClick={() => setAsking("extend")}>{t.extend}</Button>
            <Button size="small" danger aria-label={`${t.end}: ${item.holder}`} onClick={() => setAsking("end")}>{t.end}</Button>
          </span>
        ) : null}
        {asking === "extend" ? <Extend item={item} close={() => setAsking(null)} /> : null}
        {asking === "end" ? <End item={item} close={() => setAsking(null)} /> : null}
      </td>
    </tr>
  );
}

function Extend({ item, close }: { item: Assignment; close: () => void }): ReactNode {
  const { staff: t, passes } = useWords();
  const zone = useZone();
  const finished = useDeskDone();
  const [until, setUntil] = useState(() => endOf(new Date().toISOString(), YEAR_H, zone));
  const send = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/role-assignments/${encodeURIComponent(item.id)}/extend`, { method: "POST", body: { valid_to: until, reason } });
    close();
    await finished(answer, t.extended);
  };
  return (
    <ReasonDialog open title={`${t.extend}: ${item.holder}`} hint={t.extendHint} close={close} submit={send} ok={t.extend}>
      <div className="dialog-field"><span id="role-until">{passes.validTo}</span><TimePick labelled="role-until" value={until} change={setUntil} /></div>
    </ReasonDialog>
  );
}

function End({ item, close }: { item: Assignment; close: () => void }): ReactNode {
  const { staff: t, words, passes } = useWords();
  const finished = useDeskDone();
  const [because, setBecause] = useState<(typeof ENDS)[number]>("contract_end");
  const send = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/role-assignments/${encodeURIComponent(item.id)}`, { method: "DELETE", body: { because, reason } });
    close();
    await finished(answer, t.ended);
  };
  return (
    <ReasonDialog open title={`${t.end}: ${item.holder}`} hint={t.endHint} close={close} submit={send} danger ok={t.end}>
      <div className="dialog-field">
        <span id="role-because">{passes.endedBecause}</span>
        <Radio.Group aria-labelledby="role-because" value={because} onChange={(event) => setBecause(event.target.value as (typeof ENDS)[number])}>
          {ENDS.map((one) => <div key={one}><Radio value={one}>{words.roleEnd[one]}</Radio></div>)}
        </Radio.Group>
      </div>
    </ReasonDialog>
  );
}
