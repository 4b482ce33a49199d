/** One pass: everything about it, on which devices it stands, and what may be done with it. */

import { Button, Radio } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { call } from "../../api/client";
import type { DeskAnswer, PassItem } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useNow } from "../../now";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { OnDevices } from "../../ui/OnDevices";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { TimePick } from "../../ui/TimePick";
import { endOf, phaseOf } from "./kinds";
import { linkOf } from "./PassCard";
import { PassLink } from "./PassLink";
import { useDeskDone } from "./useDeskDone";

const ENDS = ["host_withdrew", "own_request", "security_incident"] as const;
const RENEWED_H = 2160;

export function PassDetail({ pass }: { pass: PassItem }): ReactNode {
  const told = useTold();
  const { passes: t, words, onDevices } = useWords();
  const zone = useZone();
  const { may } = useSession();
  const now = useNow(30_000);
  const facts: [string, ReactNode][] = [
    [t.columns.kind, <>{word(words.passKind, pass.kind)} <StateMark state={phaseOf(pass, now)} words={words.passPhase} /></>],
    [t.visitor, pass.visitor || format.NONE],
    [t.host, pass.dwelling_id ? <Link to={`/dwellings/${encodeURIComponent(pass.dwelling_id)}`}>{pass.dwelling_code}</Link> : t.noHost],
    [t.doors, pass.doors.map((door) => door.name).join(t.comma) || format.NONE],
    [t.columns.valid, `${format.minute(pass.valid_from, zone)} ${t.until(format.minute(pass.valid_to, zone))}`],
    [t.columns.way, `${word(words.way, pass.identifier)} ${pass.number}`],
    [t.columns.used, pass.uses ? t.usedOf(pass.used, pass.uses) : t.usedTimes(pass.used)],
    ...(pass.hours ? [[t.hours2, told(pass.hours, pass.hours_en)] as [string, ReactNode]] : []),
    ...(pass.not_usable.length ? [[t.notUsable, <Mark key="warn" tone="warn">{pass.not_usable.join(t.comma)}</Mark>] as [string, ReactNode]] : []),
    ...(pass.repair_order ? [[t.repairOrder, pass.repair_order] as [string, ReactNode]] : []),
    [t.issued, `${pass.issued_by} · ${format.minute(pass.issued_at, zone)}`],
    ...(pass.renewals ? [[t.renewals, format.number(pass.renewals)] as [string, ReactNode]] : []),
    [t.because, pass.reason],
    ...(pass.ended_because ? [[t.endedBecause, word(words.endedBecause, pass.ended_because.split(":")[0])] as [string, ReactNode]] : []),
  ];
  return (
    <div data-testid="pass-detail">
      <dl className="facts one">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <h3>{t.onDevices} · <Link to={`/explain?credential=${encodeURIComponent(pass.token)}`}>{onDevices.explain}</Link></h3>
      <OnDevices devices={pass.devices} who={pass.label} gone={pass.state !== "active"} none={t.notYet} />
      {pass.state === "active" && may("access.desk") ? <Actions pass={pass} /> : null}
    </div>
  );
}

function Actions({ pass }: { pass: PassItem }): ReactNode {
  const { passes: t } = useWords();
  const [asking, setAsking] = useState<"renew" | "end" | "link" | null>(null);
  const [link, setLink] = useState("");
  return (
    <div className="tools" style={{ marginTop: 16 }}>
      {pass.renewable ? <Button onClick={() => setAsking("renew")}>{t.renew}</Button> : null}
      {pass.identifier === "qr" ? <Button onClick={() => setAsking("link")}>{t.newLink}</Button> : null}
      <Button danger onClick={() => setAsking("end")}>{t.end}</Button>
      {asking === "link" ? <NewLink pass={pass} close={() => setAsking(null)} tell={setLink} /> : null}
      {link ? <PassLink link={link} /> : null}
      {asking === "renew" ? <Renew pass={pass} close={() => setAsking(null)} /> : null}
      {asking === "end" ? <End pass={pass} close={() => setAsking(null)} /> : null}
    </div>
  );
}

function NewLink({ pass, close, tell }: { pass: PassItem; close: () => void; tell: (link: string) => void }): ReactNode {
  const { passes: t } = useWords();
  const finished = useDeskDone();
  const send = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/passes/${encodeURIComponent(pass.id)}/link`, { method: "POST", body: { reason } });
    close();
    tell(linkOf(answer));
    await finished(answer, t.linkMade);
  };
  return <ReasonDialog open title={t.newLink} hint={t.newLinkHint} close={close} submit={send} ok={t.newLink} />;
}

function Renew({ pass, close }: { pass: PassItem; close: () => void }): ReactNode {
  const { passes: t } = useWords();
  const zone = useZone();
  const finished = useDeskDone();
  const [until, setUntil] = useState(() => endOf(new Date().toISOString(), RENEWED_H - 1, zone));
  const send = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/passes/${encodeURIComponent(pass.id)}/renew`, { method: "POST", body: { valid_to: until, reason } });
    close();
    await finished(answer, t.renewed);
  };
  return (
    <ReasonDialog open title={t.renew} hint={t.renewHint} close={close} submit={send} ok={t.renew}>
      <div className="dialog-field"><span id="renew-until">{t.validTo}</span><TimePick labelled="renew-until" value={until} change={setUntil} /></div>
    </ReasonDialog>
  );
}

function End({ pass, close }: { pass: PassItem; close: () => void }): ReactNode {
  const { passes: t, words } = useWords();
  const finished = useDeskDone();
  const [because, setBecause] = useState<(typeof ENDS)[number]>("host_withdrew");
  const send = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/passes/${encodeURIComponent(pass.id)}`, { method: "DELETE", body: { because, reason } });
    close();
    await finished(answer, t.endedNow);
  };
  return (
    <ReasonDialog open title={t.end} hint={t.endHint} close={close} submit={send} danger ok={t.end}>
      <div className="dialog-field">
        <span id="end-because">{t.endedBecause}</span>
        <Radio.Group aria-labelledby="end-because" value={because} onChange={(event) => setBecause(event.target.value as (typeof ENDS)[number])}>
          {ENDS.map((one) => <div key={one}><Radio value={one}>{words.passEnd[one]}</Radio></div>)}
        </Radio.Group>
      </div>
    </ReasonDialog>
  );
}
