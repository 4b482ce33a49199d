/** One member of a household at the counter: what may be done at his own wish. Nothing here is done against him. */

import { Button, Input, Radio } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { Credential, DeskAnswer, Member, Withdrawn } from "../../api/types";
import { useSaid, useWords, word } from "../../i18n";
import { Mark, StateMark } from "../../ui/Mark";
import { OnDevices } from "../../ui/OnDevices";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { useDeskDone } from "../passes/useDeskDone";
import { MemberWays } from "./MemberWays";
import { OtherWay } from "./OtherWay";

const PURPOSES = ["a", "b", "c"] as const;
type Purpose = (typeof PURPOSES)[number];

export function CounterMember({ member }: { member: Member }): ReactNode {
  const said = useSaid();
  const { counter: t, dwelling: d } = useWords();
  const [withdrawing, setWithdrawing] = useState<Purpose | null>(null);
  const [way, setWay] = useState<Withdrawn | null>(null);
  return (
    <div className="member" data-testid="counter-member">
      <div className="member-head"><strong className="big">{member.name}</strong><span>{said("relation", member.relation, member.relation_zh)}</span></div>
      <div className="tools">
        {PURPOSES.map((purpose) => (
          <span key={purpose} className="tools">
            <Mark tone={member.consents[purpose] ? "good" : "none"}>{d.consent[purpose]} {member.consents[purpose] ? d.given : d.notGiven}</Mark>
            {member.consents[purpose] ? <Button size="small" aria-label={`${t.withdraw}: ${d.consent[purpose]}`} onClick={() => setWithdrawing(purpose)}>{t.withdraw}</Button> : null}
          </span>
        ))}
      </div>
      {member.credentials.length === 0 ? <Mark tone="warn">{d.noCredential}</Mark> : member.credentials.map((credential) => <CounterCredential key={credential.token} credential={credential} />)}
      <MemberWays member={member} />
      {withdrawing ? <Withdraw member={member} purpose={withdrawing} close={() => setWithdrawing(null)} tell={setWay} /> : null}
      {way ? <OtherWay way={way} name={member.name} close={() => setWay(null)} /> : null}
    </div>
  );
}

function Withdraw({ member, purpose, close, tell }: { member: Member; purpose: Purpose; close: () => void; tell: (way: Withdrawn) => void }): ReactNode {
  const { counter: t, dwelling: d } = useWords();
  const finished = useDeskDone();
  const send = async (reason: string): Promise<void> => {
    const answer = await call<Withdrawn>(`/members/${encodeURIComponent(member.member_id)}/consents/withdraw`, { method: "POST", body: { purpose, reason } });
    close();
    if (answer.phone_only) tell(answer);
    const warned = answer.phone_only ? {} : { warnings: answer.warnings, warnings_en: answer.warnings_en };
    await finished({ subject: answer.member_id, number: "", link: "", warnings: [], warnings_en: [], held: "", ...warned }, answer.devices.length ? t.withdrawnFrom(answer.devices.length) : t.withdrawn);
  };
  return <ReasonDialog open title={`${t.withdraw}: ${d.consent[purpose]} · ${member.name}`} hint={purpose === "a" ? t.withdrawFace : t.withdrawOther} close={close} submit={send} ok={t.withdraw} />;
}

type Asked = "lost" | "own" | "restore";

function CounterCredential({ credential }: { credential: Credential }): ReactNode {
  const { counter: t, words } = useWords();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [way, setWay] = useState<DeskAnswer | null>(null);
  const active = credential.state === "active";
  const because = credential.ended_because.split(":")[0] ?? "";
  const cards = credential.identifiers.filter((identifier) => identifier.type === "card");
  return (
    <div className="credential">
      <div className="member-head">
        <StateMark state={credential.state} words={words.credentialState} />
        {active && credential.identifiers.length === 0 ? <Mark tone="warn">{words.noIdentifier}</Mark> : null}
        {credential.identifiers.map((one) => <span key={one.type + one.masked}>{word(words.identifier, one.type)}{one.type === "face" ? "" : ` ${one.masked}`}</span>)}
        {because ? <span className="faint">{word(words.endedBecause, because)}</span> : null}
      </div>
      <OnDevices devices={credential.devices} who={credential.label} gone={!active} />
      <div className="tools" style={{ marginTop: 6 }}>
        {active && cards.length ? <Button size="small" onClick={() => setAsked("lost")}>{t.lostCard}</Button> : null}
        {active ? <Button size="small" danger onClick={() => setAsked("own")}>{t.ownRequest}</Button> : null}
        {!active && because === "own_request" ? <Button size="small" onClick={() => setAsked("restore")}>{t.restore}</Button> : null}
      </div>
      {asked === "lost" ? <LostCard credential={credential} close={() => setAsked(null)} tell={setWay} /> : null}
      {asked === "own" || asked === "restore" ? <Plain credential={credential} what={asked} close={() => setAsked(null)} /> : null}
      {way ? <OtherWay way={way} name={credential.label} close={() => setWay(null)} /> : null}
    </div>
  );
}

interface Dialog { credential: Credential; close: () => void }

function LostCard({ credential, close, tell }: Dialog & { tell: (way: DeskAnswer) => void }): ReactNode {
  const { counter: t } = useWords();
  const finished = useDeskDone();
  const cards = credential.identifiers.filter((one) => one.type === "card").map((one) => one.masked);
  const alike = new Set(cards).size < cards.length; // then only the whole number tells them apart
  const [card, setCard] = useState(cards.length === 1 ? (cards[0] ?? "") : "");
  const [fresh, setFresh] = useState("");
  const send = async (reason: string): Promise<void> => {
    const body = { card: card.trim(), new_card: fresh.trim(), reason };
    const answer = await call<DeskAnswer>(`/credentials/${encodeURIComponent(credential.token)}/lost-card`, { method: "POST", body });
    close();
    if (answer.link) tell(answer);
    await finished(answer.link ? { ...answer, warnings: [], warnings_en: [] } : answer, t.lostDone);
  };
  return (
    <ReasonDialog open title={`${t.lostCard} · ${credential.label}`} hint={t.lostHint} close={close} submit={send} ok={t.lostCard} missing={() => (card.trim() ? "" : t.cardNeeded)}>
      {alike ? <label className="dialog-field"><span>{t.lostNumber(cards.join(" "))}</span><Input value={card} maxLength={30} inputMode="numeric" autoComplete="off" onChange={(event) => setCard(event.target.value)} /></label>
        : <div className="dialog-field"><span>{t.lostWhich}</span><Radio.Group aria-label={t.lostWhich} value={card} onChange={(event) => setCard(event.target.value as string)} options={cards} /></div>}
      <label className="dialog-field"><span>{t.newNumber}</span><Input value={fresh} maxLength={30} inputMode="numeric" autoComplete="off" onChange={(event) => setFresh(event.target.value)} /></label>
    </ReasonDialog>
  );
}

/** The holder's own wish, either way: ended, or given back. */
function Plain({ credential, what, close }: Dialog & { what: "own" | "restore" }): ReactNode {
  const { counter: t } = useWords();
  const finished = useDeskDone();
  const texts = what === "own" ? { title: t.ownRequest, hint: t.ownHint, done: t.ownDone } : { title: t.restore, hint: t.restoreHint, done: t.restoreDone };
  const send = async (reason: string): Promise<void> => {
    const path = `/credentials/${encodeURIComponent(credential.token)}/${what === "own" ? "own-request" : "restore"}`;
    const answer = await call<DeskAnswer>(path, { method: "POST", body: { reason } });
    close();
    await finished(answer, texts.done);
  };
  return <ReasonDialog open title={`${texts.title} · ${credential.label}`} hint={texts.hint} close={close} submit={send} danger={what === "own"} ok={texts.title} />;
}
