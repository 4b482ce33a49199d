/** Ways in that a member chooses at the counter or is given at the counter: a card, the identity card, a PIN. */

import { Button, Input, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { DeskAnswer, Member } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { useDeskDone } from "../passes/useDeskDone";
import { OtherWay } from "./OtherWay";

type Asked = "card" | "idCard" | "idCardStop" | "pin" | "pinStop";

export function MemberWays({ member }: { member: Member }): ReactNode {
  const { counter: t } = useWords();
  const finished = useDeskDone();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [number, setNumber] = useState("");
  const [card, setCard] = useState("");
  const [pin, setPin] = useState("");
  const [way, setWay] = useState<DeskAnswer | null>(null);
  const has = (type: string): boolean => member.credentials.some((one) => one.state === "active" && one.identifiers.some((each) => each.type === type));
  const send = async (reason: string): Promise<void> => {
    const path = `/members/${encodeURIComponent(member.member_id)}`;
    const byCard = asked === "idCard" || asked === "idCardStop";
    const body = asked === "card" ? { card: card.trim(), reason } : byCard ? { id_number: asked === "idCard" ? number.trim() : "", reason } : { wanted: asked === "pin", reason };
    const answer = await call<DeskAnswer>(`${path}/${asked === "card" ? "card" : byCard ? "id-card" : "pin"}`, { method: "POST", body });
    const done = { card: t.cardOn, idCard: t.idCardOn, idCardStop: t.idCardOff, pin: t.pinOn, pinStop: t.pinOff }[asked ?? "pin"];
    setAsked(null);
    setNumber("");
    setCard("");
    if (answer.number) setPin(answer.number);
    if (answer.link) setWay(answer);
    await finished(answer.link ? { ...answer, warnings: [], warnings_en: [] } : { ...answer, number: "" }, done);
  };
  const missing = (): string => (asked === "card" && !card.trim() ? t.cardWanted : asked === "idCard" && number.trim().length !== 18 ? t.idCardNeeded : "");
  const hint = { card: t.cardHint, idCard: t.idCardHint, idCardStop: t.idCardStopHint, pin: t.pinHint, pinStop: t.pinStopHint };
  const button = (what: Asked): ReactNode => <Button size="small" aria-label={`${t[what]}: ${member.name}`} onClick={() => setAsked(what)}>{t[what]}</Button>;
  return (
    <div className="tools" style={{ marginTop: 6 }}>
      {button("card")}{button("idCard")}{has("id_card") ? button("idCardStop") : null}
      {button("pin")}{has("pin") ? button("pinStop") : null}
      {asked ? (
        <ReasonDialog open title={`${t[asked]} · ${member.name}`} hint={hint[asked]} close={() => setAsked(null)} submit={send} ok={t[asked]} missing={missing}>
          {asked === "card" ? <label className="dialog-field"><span>{t.cardNumber}</span><Input value={card} maxLength={30} inputMode="numeric" autoComplete="off" onChange={(event) => setCard(event.target.value)} /></label> : null}
          {asked === "idCard" ? <label className="dialog-field"><span>{t.idCardNumber}</span><Input value={number} maxLength={18} autoComplete="off" onChange={(event) => setNumber(event.target.value)} /></label> : null}
        </ReasonDialog>
      ) : null}
      {way ? <OtherWay way={way} name={member.name} close={() => setWay(null)} /> : null}
      <Modal open={pin !== ""} title={`${t.pinTitle} · ${member.name}`} onCancel={() => setPin("")} onOk={() => setPin("")} cancelButtonProps={{ style: { display: "none" } }} keyboard={false}>
        <p>{t.pinOnce}</p><p className="big num" data-testid="member-pin">{format.grouped(pin)}</p><p className="faint">{t.pinHint}</p>
      </Modal>
    </div>
  );
}
