/** What waits for a second person: who asked, for what exactly, until when. Whoever asked cannot decide. */

import { App, Button, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { call } from "../../api/client";
import { useHeldActions, useOrders, useSources } from "../../api/queries";
import type { DeskAnswer, Held, HeldAction } from "../../api/types";
import * as format from "../../format";
import { useSaid, useTold, useWords, word } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { WaitingOrders } from "../doors/Orders";
import { useDeskDone } from "../passes/useDeskDone";
import { HeldHouseholds } from "./HeldHouseholds";
import { OtherWay } from "./OtherWay";

export function SecondPerson(): ReactNode {
  const { counter: t } = useWords();
  const [number, setNumber] = useState("");
  const [way, setWay] = useState<{ name: string; answer: DeskAnswer } | null>(null);
  const orders = (useOrders().data?.items ?? []).filter((order) => order.state === "asked");
  const feeds = useHeldFeeds();
  return (
    <Panel id="second-person" title={t.second} live>
      <p className="faint">{t.secondHint}</p>
      <Answer query={useHeldActions()} rows={2} empty={(d) => d.items.length === 0 && orders.length === 0 && feeds.length === 0} emptyText={t.secondEmpty}>
        {(d) => <ul className="rows cards">{d.items.map((item) => <Waiting key={item.id} item={item} tell={setNumber} hand={(name, answer) => setWay({ name, answer })} />)}</ul>}
      </Answer>
      <WaitingOrders orders={orders} />
      <HeldFeeds held={feeds} />
      {way ? <OtherWay way={way.answer} name={way.name} hint={t.confirmed} close={() => setWay(null)} /> : null}
      <Modal open={number !== ""} title={t.numberTitle} onCancel={() => setNumber("")} onOk={() => setNumber("")} cancelButtonProps={{ style: { display: "none" } }} keyboard={false}>
        <p>{t.numberHint}</p><p className="big num" data-testid="confirmed-number">{format.grouped(number)}</p>
      </Modal>
    </Panel>
  );
}

type Word = "confirm" | "refuse";

interface Shown { item: HeldAction; tell: (number: string) => void; hand: (name: string, answer: DeskAnswer) => void }

function Waiting({ item, tell, hand }: Shown): ReactNode {
  const { counter: t, words } = useWords();
  const { may } = useSession();
  const zone = useZone();
  const { message } = App.useApp();
  const finished = useDeskDone();
  const [asking, setAsking] = useState<Word | null>(null);
  const decide = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/held-actions/${encodeURIComponent(item.id)}/${asking}`, { method: "POST", body: { reason } });
    setAsking(null);
    if (answer.number) tell(answer.number);
    if (answer.link) hand(label, answer); // shown this once, to whoever confirms
    if (asking === "refuse") void message.info(t.refused);
    await finished(answer, asking === "refuse" ? t.refused : t.confirmed);
  };
  const what = word(words.heldKind, item.kind);
  const label = useTold()(item.label, item.label_en);
  return (
    <li data-testid="held-action">
      <div className="grow">
        <strong>{what}</strong> <span>{label}</span>{" "}
        {item.dwelling_id ? <Link to={`/dwellings/${encodeURIComponent(item.dwelling_id)}`}>{item.dwelling_code}</Link> : null}
        <div>{word(words.heldEffect, item.kind, "")} <HeldHouseholds item={item} /></div>
        <div className="faint">{t.askedBy(item.asked_by, format.clock(item.asked_at, zone))} · {t.because(item.reason)}</div>
      </div>
      {item.mine ? <Mark tone="info">{t.yours}</Mark> : may("tenancy.manage") ? (
        <span className="tools">
          <Button type="primary" size="small" onClick={() => setAsking("confirm")}>{t.confirm}</Button>
          <Button size="small" onClick={() => setAsking("refuse")}>{t.refuse}</Button>
        </span>
      ) : <Mark tone="none">{t.notYours}</Mark>}
      {asking ? <ReasonDialog open title={`${asking === "confirm" ? t.confirm : t.refuse}: ${what} ${label}`} hint={asking === "confirm" ? word(words.heldEffect, item.kind, "") : t.refuseHint} close={() => setAsking(null)} submit={decide} /> : null}
    </li>
  );
}

function useHeldFeeds(): Held[] {
  const allowed = useSession().may("tenancy.view");
  return (useSources(allowed).data?.items ?? []).flatMap((source) => (source.held && !source.held.refused_by ? [source.held] : []));
}

/** A feed's held set is decided where its households stand. */
function HeldFeeds({ held }: { held: Held[] }): ReactNode {
  const said = useSaid();
  const { counter: t } = useWords();
  const zone = useZone();
  if (held.length === 0) return null;
  return (
    <ul className="rows cards">
      {held.map((one) => (
        <li key={one.source} data-testid="held-feed">
          <div className="grow">
            <strong>{t.heldFeed(one.source)}</strong> <Mark tone="warn">{said("reason", one.reason, one.reason_zh)}</Mark>
            <div className="faint">{one.asked_by ? t.askedBy(one.asked_by, format.clock(one.asked_at ?? null, zone)) : t.nobodyYet}</div>
          </div>
          <Link to={`/tenancy#held-${encodeURIComponent(one.source)}`}>{t.toHeld(one.households.length)}</Link>
        </li>
      ))}
    </ul>
  );
}
