/** A role is given to somebody: which, by what, from when, until when. A number that is made is shown once. */

import { Button, Checkbox, Input, Modal, Radio, Select } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useRoles } from "../../api/queries";
import type { DeskAnswer } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { serverNow } from "../../now";
import { useZone } from "../../session";
import { TimePick } from "../../ui/TimePick";
import { endOf } from "../passes/kinds";
import { useDeskDone } from "../passes/useDeskDone";

const WAYS = ["card", "pin", "qr", "id_card"] as const;
const YEAR_H = 365 * 24;

export function AssignRole(): ReactNode {
  const { staff: t } = useWords();
  const [open, setOpen] = useState(false);
  const [number, setNumber] = useState("");
  return (
    <>
      <Button type="primary" size="small" onClick={() => setOpen(true)}>{t.assign}</Button>
      {open ? <Dialog close={() => setOpen(false)} done={setNumber} /> : null}
      <Modal open={number !== ""} title={t.numberTitle} onCancel={() => setNumber("")} onOk={() => setNumber("")} cancelButtonProps={{ style: { display: "none" } }} keyboard={false}>
        <p>{t.numberHint}</p><p className="big num" data-testid="role-number">{format.grouped(number)}</p>
      </Modal>
    </>
  );
}

function Dialog({ close, done }: { close: () => void; done: (number: string) => void }): ReactNode {
  const { staff: t, passes, words, common } = useWords();
  const zone = useZone();
  const roles = useRoles().data?.items ?? [];
  const finished = useDeskDone();
  const [from, setFrom] = useState(() => new Date(Math.floor(serverNow() / 60_000) * 60_000).toISOString());
  const [to, setTo] = useState(() => endOf(new Date(serverNow()).toISOString(), YEAR_H, zone));
  const [open, setOpen] = useState(false);
  const [role, setRole] = useState<string | null>(null);
  const [holder, setHolder] = useState("");
  const [way, setWay] = useState<(typeof WAYS)[number]>("card");
  const [number, setNumber] = useState("");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const own = roles.find((one) => one.id === role)?.holder_class === "staff";
  async function send(): Promise<void> {
    const lacking = !role ? t.roleNeeded : !holder.trim() ? t.holderNeeded : (way === "card" || way === "id_card") && !number.trim() ? t.numberNeeded : reason.trim().length < 4 ? passes.reasonNeeded : "";
    if (lacking || !role) return setProblem(lacking);
    setBusy(true);
    try {
      const body = {
        holder: holder.trim(), identifier: way, card: way === "card" ? number.trim() : "", id_number: way === "id_card" ? number.trim() : "", valid_from: from, valid_to: open && own ? null : to, reason: reason.trim(),
      };
      const answer = await call<DeskAnswer>(`/roles/${encodeURIComponent(role)}/assignments`, { method: "POST", body });
      close();
      if (answer.number && way !== "card" && way !== "id_card") done(answer.number);
      await finished(answer, t.assigned);
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.assign} onCancel={close} onOk={() => void send()} okText={t.assign} cancelText={common.cancel} okButtonProps={{ loading: busy }} width={600}>
      <div className="dialog-field"><span id="assign-role">{t.columns.role}</span>
        <Select aria-labelledby="assign-role" style={{ width: "100%" }} value={role} onChange={setRole} notFoundContent={t.rolesEmpty} options={roles.map((one) => ({ value: one.id, label: one.organisation ? `${one.name} · ${one.organisation}` : one.name }))} /></div>
      <label className="dialog-field"><span>{t.holder}</span><Input value={holder} maxLength={40} autoComplete="off" onChange={(event) => setHolder(event.target.value)} /></label>
      <div className="dialog-field"><span id="assign-way">{t.columns.way}</span>
        <Radio.Group aria-labelledby="assign-way" optionType="button" value={way} options={WAYS.map((value) => ({ value, label: words.way[value] }))} onChange={(event) => { setWay(event.target.value as (typeof WAYS)[number]); setNumber(""); }} /></div>
      {way === "card" || way === "id_card" ? <label className="dialog-field"><span>{way === "card" ? passes.card : passes.idNumber}</span><Input value={number} maxLength={30} autoComplete="off" onChange={(event) => setNumber(event.target.value)} /></label> : null}
      <div className="pair">
        <div className="dialog-field"><span id="assign-from">{passes.validFrom}</span><TimePick labelled="assign-from" value={from} change={setFrom} /></div>
        {open && own ? null : <div className="dialog-field"><span id="assign-to">{passes.validTo}</span><TimePick labelled="assign-to" value={to} change={setTo} /></div>}
      </div>
      {own ? <p><Checkbox checked={open} onChange={(event) => setOpen(event.target.checked)}>{t.noEndOwn}</Checkbox></p> : null}
      <label className="dialog-field"><span>{common.reason}</span><Input.TextArea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={common.reasonPlaceholder} /></label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}
