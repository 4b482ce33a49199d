/** An order to doors in two steps: what and where, then a look at exactly which doors and whom it concerns, and a reason. */

import { App, Button, Input, InputNumber, Modal, Radio, Select } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useBlocks, useDoors } from "../../api/queries";
import type { Order } from "../../api/types";
import { useTold, useWords, word } from "../../i18n";
import { useEstate } from "../../session";
import { Mark } from "../../ui/Mark";
import { Remaining } from "../../ui/Waiting";
import { ORDERS, type OrderKind } from "./modes";
import { useOrdersChanged } from "./useOrders";

export interface OrderStart { kind: OrderKind; scope: "doors" | "block" | "estate"; doors: string[] }
interface Draft extends OrderStart { block: string | null; minutes: number | null }

const MINUTES = [15, 60, 240, 480];

export function OrderDialog({ start, close }: { start: OrderStart; close: () => void }): ReactNode {
  const [draft, setDraft] = useState<Draft>({ ...start, block: null, minutes: null });
  const [look, setLook] = useState<Order | null>(null);
  return look ? <Look order={look} back={() => setLook(null)} close={close} /> : <Choose draft={draft} change={(some) => setDraft({ ...draft, ...some })} seen={setLook} close={close} />;
}

function Choose({ draft, change, seen, close }: { draft: Draft; change: (some: Partial<Draft>) => void; seen: (order: Order) => void; close: () => void }): ReactNode {
  const { doors: t, words, common, passes } = useWords();
  const estate = useEstate();
  const doors = useDoors().data?.items ?? [];
  const blocks = useBlocks().data?.blocks ?? [];
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  async function next(): Promise<void> {
    if (draft.scope === "doors" && draft.doors.length === 0) return setProblem(t.doorsNeeded);
    if (draft.scope === "block" && !draft.block) return setProblem(t.blockNeeded);
    setBusy(true);
    try {
      const body = { kind: draft.kind, scope: draft.scope, block_id: draft.block ?? "", door_ids: draft.scope === "doors" ? draft.doors : [], minutes: draft.kind === "release" ? null : draft.minutes };
      seen(await call<Order>(`/estates/${encodeURIComponent(estate.id)}/command-orders`, { method: "POST", body }));
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.orderTitle} onCancel={close} onOk={() => void next()} okText={t.look} cancelText={common.cancel} okButtonProps={{ loading: busy }} width={600}>
      <div className="dialog-field">
        <span id="order-kind">{t.what}</span>
        <Radio.Group aria-labelledby="order-kind" optionType="button" value={draft.kind} options={ORDERS.map((value) => ({ value, label: words.order[value] }))} onChange={(event) => change({ kind: event.target.value as OrderKind })} />
        <div className="faint">{words.orderEffect[draft.kind]}</div>
      </div>
      <div className="dialog-field">
        <span id="order-scope">{t.where}</span>
        <Radio.Group aria-labelledby="order-scope" value={draft.scope} onChange={(event) => change({ scope: event.target.value as Draft["scope"] })}>
          <Radio value="doors">{t.scopes.doors}</Radio><Radio value="block">{t.scopes.block}</Radio><Radio value="estate">{t.scopes.estate}</Radio>
        </Radio.Group>
      </div>
      {draft.scope === "doors" ? (
        <div className="dialog-field"><Select aria-label={t.columns.door} mode="multiple" style={{ width: "100%" }} value={draft.doors} placeholder={t.columns.door} showSearch={{ optionFilterProp: "label" }}
          onChange={(chosen) => change({ doors: chosen })} options={doors.map((door) => ({ value: door.id, label: door.name }))} /></div>
      ) : null}
      {draft.scope === "block" ? (
        <div className="dialog-field"><Select aria-label={t.scopes.block} style={{ width: "100%" }} value={draft.block} placeholder={t.scopes.block} onChange={(block) => change({ block })} options={blocks.map((block) => ({ value: block.id, label: block.name }))} /></div>
      ) : null}
      {draft.kind === "release" ? null : (
        <div className="dialog-field">
          <span id="order-minutes">{t.howLong}</span>
          <span className="tools">
            <InputNumber aria-labelledby="order-minutes" min={1} max={1440} precision={0} value={draft.minutes} placeholder={t.usualTime} onChange={(minutes) => change({ minutes })} style={{ width: 140 }} />
            {MINUTES.map((minutes) => <Button key={minutes} size="small" aria-pressed={draft.minutes === minutes} type={draft.minutes === minutes ? "primary" : "default"} onClick={() => change({ minutes })}>{minutes < 60 ? t.minutes(minutes) : passes.hours(minutes / 60)}</Button>)}
          </span>
          <div className="faint">{t.endsByItself}</div>
        </div>
      )}
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

/** Names the doors and the effect; only this look can be carried out. */
function Look({ order, back, close }: { order: Order; back: () => void; close: () => void }): ReactNode {
  const { doors: t, words, common, devices } = useWords();
  const { message } = App.useApp();
  const changed = useOrdersChanged();
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  async function send(): Promise<void> {
    if (reason.trim().length < 4) return setProblem(devices.needReason);
    setBusy(true);
    try {
      const done = await call<Order>(`/command-orders/${encodeURIComponent(order.id)}/execute`, { method: "POST", body: { reason: reason.trim() } });
      void (done.state === "asked" ? message.warning(t.askedNow, 8) : message.info(t.sentNow));
      close();
      await changed();
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
      setBusy(false);
    }
  }
  return (
    <Modal open title={`${word(words.order, order.kind)}: ${t.confirmTitle(order.doors.length)}`} onCancel={close} width={600}
      footer={<><Button onClick={back}>{t.back}</Button><Button type="primary" danger={order.kind !== "release"} loading={busy} onClick={() => void send()}>{order.second_person ? t.askSecond : common.confirm}</Button></>}>
      <OrderFacts order={order} />
      {order.second_person ? <p className="reminder">{t.needsSecond}</p> : null}
      <p className="faint">{t.lookExpires} <Remaining until={order.expires_at} /></p>
      <label className="dialog-field"><span>{common.reason}</span><Input.TextArea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={common.reasonPlaceholder} /></label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

/** Which doors, what becomes of them, whom it concerns, for how long. */
export function OrderFacts({ order }: { order: Order }): ReactNode {
  const told = useTold();
  const { doors: t, words } = useWords();
  return (
    <div data-testid="order-facts">
      <p><strong>{word(words.orderEffect, order.kind)}</strong></p>
      {order.lasts_s ? <p>{t.lasts(order.lasts_s)}</p> : null}
      <p>{t.concerns(order.residents)} {order.shut_out ? <Mark tone="bad">{t.shutOut(order.shut_out)}</Mark> : null}</p>
      <ul className="bullets">
        {order.doors.map((door) => (
          <li key={door.door_id}>{door.door_name} {door.state === "ready" ? null : <Mark tone="warn">{told(door.why_zh, door.why_en) || door.state}</Mark>}</li>
        ))}
      </ul>
    </div>
  );
}
