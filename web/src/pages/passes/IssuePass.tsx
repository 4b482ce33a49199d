/** A new pass, by the counter: kind, host, doors, how long, and what the visitor shows. Its number is shown once. */

import { Button, Checkbox, Input, InputNumber, Modal, Radio, Select } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useBlocks, useDoors, useSchedules } from "../../api/queries";
import type { DeskAnswer } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords } from "../../i18n";
import { serverNow } from "../../now";
import { useEstate } from "../../session";
import { DwellingPick } from "../../ui/DwellingPick";
import { TimePick } from "../../ui/TimePick";
import { linkOf, PassCard, type PassOnPaper } from "./PassCard";
import { endOf, HOST_STATUS, type Kind, KINDS, LENGTHS, NEEDS_HOST, USUAL, WAYS, type Way } from "./kinds";
import { useDeskDone } from "./useDeskDone";

/** Kinds that may have hours of the day. */
const TIMED: readonly Kind[] = ["carer", "regular_visitor"];

interface Draft {
  kind: Kind; host: string | null; doors: string[]; from: string; to: string; way: Way; card: string; idNumber: string; schedule: string | null; uses: number | null; order: string; visitor: string; agreed: boolean; reason: string;
}

function fresh(kind: Kind, zone: string): Draft {
  const from = new Date(Math.floor(serverNow() / 60_000) * 60_000).toISOString();
  return { kind, host: null, doors: [], from, to: endOf(from, USUAL[kind], zone), way: "qr", card: "", idNumber: "", schedule: null, uses: null, order: "", visitor: "", agreed: false, reason: "" };
}

export function IssuePass(): ReactNode {
  const { passes: t } = useWords();
  const [open, setOpen] = useState(false);
  const [issued, setIssued] = useState<PassOnPaper | null>(null);
  return (
    <>
      <Button type="primary" onClick={() => setOpen(true)}>{t.issue}</Button>
      {open ? <Dialog close={() => setOpen(false)} done={(pass) => { setOpen(false); setIssued(pass); }} /> : null}
      {issued ? <PassCard pass={issued} close={() => setIssued(null)} /> : null}
    </>
  );
}

function Dialog({ close, done }: { close: () => void; done: (pass: PassOnPaper | null) => void }): ReactNode {
  const { passes: t, common } = useWords();
  const { id, name: estateName, time_zone: zone } = useEstate();
  const finished = useDeskDone();
  const doors = useDoors().data?.items ?? [];
  const homes = useBlocks().data?.blocks ?? [];
  const { dwelling } = useWords();
  const [draft, setDraft] = useState<Draft>(() => fresh("visitor", zone));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const change = (some: Partial<Draft>): void => setDraft((old) => ({ ...old, ...some }));

  async function send(): Promise<void> {
    const lacking = missing(draft, t);
    if (lacking) return setProblem(lacking);
    setBusy(true);
    try {
      const answer = await call<DeskAnswer>(`/estates/${encodeURIComponent(id)}/passes`, { method: "POST", body: bodyOf(draft) });
      await finished(answer, t.issuedNow);
      const block = homes.find((one) => one.dwellings.some((home) => home.id === draft.host));
      const home = block?.dwellings.find((one) => one.id === draft.host);
      done(answer.held ? null : {
        kind: draft.kind, estate: estateName, host: block && home ? dwelling.title(block.name, home.number) : "", from: draft.from, to: draft.to, way: draft.way, number: answer.number, link: linkOf(answer),
        doors: draft.doors.map((door) => doors.find((one) => one.id === door)?.name ?? door), uses: draft.uses,
      });
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.issue} onCancel={close} onOk={() => void send()} okText={t.issue} cancelText={common.cancel} okButtonProps={{ loading: busy }} width={640}>
      <Who draft={draft} change={change} zone={zone} />
      <When draft={draft} change={change} zone={zone} />
      <What draft={draft} change={change} />
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

function missing(draft: Draft, t: ReturnType<typeof useWords>["passes"]): string {
  if (NEEDS_HOST(draft.kind) && !draft.host) return t.hostNeeded;
  if (draft.kind === "repair" && !draft.order.trim()) return t.orderNeeded;
  if (draft.way === "card" && !draft.card.trim()) return t.cardNeeded;
  if (draft.way === "id_card" && !draft.idNumber.trim()) return t.idNeeded;
  return draft.reason.trim().length < 4 ? t.reasonNeeded : "";
}

function bodyOf(draft: Draft): Record<string, unknown> {
  return {
    kind: draft.kind, dwelling_id: draft.host, doors: draft.doors, valid_from: draft.from, valid_to: draft.to, identifier: draft.way, card: draft.way === "card" ? draft.card.trim() : "",
    id_number: draft.way === "id_card" ? draft.idNumber.trim() : "", schedule_id: TIMED.includes(draft.kind) ? draft.schedule : null,
    uses: draft.uses, repair_order: draft.kind === "repair" ? draft.order.trim() : "", visitor: draft.visitor.trim(), host_agreed: draft.agreed, reason: draft.reason.trim(),
  };
}

interface Part { draft: Draft; change: (some: Partial<Draft>) => void }

function Who({ draft, change, zone }: Part & { zone: string }): ReactNode {
  const { passes: t, words } = useWords();
  const doors = useDoors().data?.items ?? [];
  const own = draft.doors.some((id) => doors.find((door) => door.id === id)?.scope === "dwelling");
  const block = useBlocks().data?.blocks.find((one) => one.dwellings.some((home) => home.id === draft.host))?.id;
  const within = doors.filter((door) => door.scope === "estate" || (door.scope === "block" && (!draft.host || door.block_id === block)) || (door.scope === "dwelling" && draft.host));
  const only = HOST_STATUS(draft.kind);
  return (
    <>
      <div className="dialog-field">
        <span id="pass-kind">{t.kind}</span>
        <Radio.Group aria-labelledby="pass-kind" optionType="button" value={draft.kind} options={KINDS.map((value) => ({ value, label: words.passKind[value] }))}
          onChange={(event) => { const kind = event.target.value as Kind; change({ kind, host: null, doors: [], to: endOf(draft.from, USUAL[kind], zone) }); }} />
        <div className="faint">{t.kindHint[draft.kind]}</div>
      </div>
      {draft.kind === "repair" ? <label className="dialog-field"><span>{t.repairOrder}</span><Input value={draft.order} maxLength={60} onChange={(event) => change({ order: event.target.value })} /></label> : null}
      <div className="dialog-field"><span>{NEEDS_HOST(draft.kind) ? t.host : t.hostOptional}</span><DwellingPick label={t.host} value={draft.host} change={(host) => change({ host, doors: [] })} {...(only ? { only } : {})} /></div>
      <label className="dialog-field"><span>{t.visitorOptional}</span><Input value={draft.visitor} maxLength={40} autoComplete="off" onChange={(event) => change({ visitor: event.target.value })} /></label>
      <div className="dialog-field">
        <span>{t.doors}</span>
        <Select aria-label={t.doors} mode="multiple" style={{ width: "100%" }} value={draft.doors} placeholder={t.doorsUsual} onChange={(chosen) => change({ doors: chosen })} options={within.map((door) => ({ value: door.id, label: door.name }))} />
      </div>
      {own ? <p><Checkbox checked={draft.agreed} onChange={(event) => change({ agreed: event.target.checked })}>{t.agreed}</Checkbox></p> : null}
    </>
  );
}

function When({ draft, change, zone }: Part & { zone: string }): ReactNode {
  const { passes: t } = useWords();
  return (
    <>
      <div className="pair">
        <div className="dialog-field"><span id="pass-from">{t.validFrom}</span><TimePick labelled="pass-from" value={draft.from} change={(from) => change({ from, to: endOf(from, USUAL[draft.kind], zone) })} /></div>
        <div className="dialog-field"><span id="pass-to">{t.validTo}</span><TimePick labelled="pass-to" value={draft.to} change={(to) => change({ to })} /></div>
      </div>
      <div className="dialog-field tools" role="group" aria-label={t.howLong}>
        {LENGTHS[draft.kind].map((hours) => {
          const to = endOf(draft.from, hours, zone);
          return <Button key={hours} size="small" aria-pressed={draft.to === to} type={draft.to === to ? "primary" : "default"} onClick={() => change({ to })}>{hours === 0 ? t.today : format.hours(hours, t.hours, t.days)}</Button>;
        })}
      </div>
    </>
  );
}

function What({ draft, change }: Part): ReactNode {
  const told = useTold();
  const { passes: t, words, common } = useWords();
  const hours = useSchedules().data?.items ?? [];
  return (
    <>
      <div className="pair">
        <div className="dialog-field">
          <span id="pass-way">{t.columns.way}</span>
          <Radio.Group aria-labelledby="pass-way" optionType="button" value={draft.way} options={WAYS.map((value) => ({ value, label: words.way[value] }))} onChange={(event) => change({ way: event.target.value as Way })} />
        </div>
        <label className="dialog-field"><span>{t.uses}</span><InputNumber style={{ width: "100%" }} min={1} max={200} precision={0} value={draft.uses} placeholder={t.usesAny} onChange={(uses) => change({ uses })} /></label>
      </div>
      {draft.way === "id_card" ? <label className="dialog-field"><span>{t.idNumber}</span><Input value={draft.idNumber} maxLength={18} autoComplete="off" onChange={(event) => change({ idNumber: event.target.value })} /></label> : null}
      {TIMED.includes(draft.kind) && hours.length ? (
        <div className="dialog-field"><span id="pass-hours">{t.hours2}</span><Select aria-labelledby="pass-hours" allowClear style={{ width: "100%" }} placeholder={t.allDay} value={draft.schedule} onChange={(one?: string) => change({ schedule: one ?? null })} options={hours.map((one) => ({ value: one.id, label: `${one.name} · ${told(one.text_zh, one.text_en)}` }))} /></div>
      ) : null}
      {draft.way === "card" ? <label className="dialog-field"><span>{t.card}</span><Input value={draft.card} maxLength={30} inputMode="numeric" autoComplete="off" onChange={(event) => change({ card: event.target.value })} /></label> : null}
      <label className="dialog-field"><span>{common.reason}</span><Input.TextArea rows={2} value={draft.reason} onChange={(event) => change({ reason: event.target.value })} placeholder={common.reasonPlaceholder} /></label>
    </>
  );
}
