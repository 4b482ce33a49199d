/** Orders: what waits for a second person, what was sent, and each door's own result. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useOrders } from "../../api/queries";
import type { Order } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useNow } from "../../now";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { Remaining } from "../../ui/Waiting";
import { OrderFacts } from "./OrderDialog";
import { useOrdersChanged } from "./useOrders";

const FRESH_MS = 3_600_000;

/** Waiting ones, and those of the last hour. */
export function Orders(): ReactNode {
  const { doors: t } = useWords();
  const query = useOrders();
  const since = useNow(60_000) - FRESH_MS;
  const shown = (query.data?.items ?? []).filter((order) => order.state === "asked" || Date.parse(order.asked_at) > since);
  return (
    <Panel id="orders" title={t.orders} live>
      <Answer query={query} rows={1} empty={() => shown.length === 0} emptyText={t.ordersEmpty}>{() => <ul className="rows cards">{shown.map((order) => <OrderRow key={order.id} order={order} />)}</ul>}</Answer>
    </Panel>
  );
}

/** Only what waits; for the counter's page. */
export function WaitingOrders({ orders }: { orders: Order[] }): ReactNode {
  return orders.length ? <ul className="rows cards">{orders.map((order) => <OrderRow key={order.id} order={order} />)}</ul> : null;
}

function OrderRow({ order }: { order: Order }): ReactNode {
  const { doors: t, words, counter } = useWords();
  const { may } = useSession();
  const zone = useZone();
  const [asking, setAsking] = useState<"confirm" | "refuse" | null>(null);
  const changed = useOrdersChanged();
  const decide = async (reason: string): Promise<void> => {
    await call(`/command-orders/${encodeURIComponent(order.id)}/${asking}`, { method: "POST", body: { reason } });
    setAsking(null);
    await changed();
  };
  const where = order.scope === "estate" ? t.scopes.estate : order.scope === "block" ? order.block_name : order.doors.map((door) => door.door_name).join(t.comma);
  const title = `${word(words.order, order.kind)} · ${where}`;
  const waiting = order.state === "asked";
  return (
    <li data-testid="order" data-state={order.state}>
      <div className="grow">
        <strong>{title}</strong> <StateMark state={order.state} words={words.orderState} tone={waiting ? "warn" : order.state === "issued" ? "info" : "none"} />
        <div className="faint">{counter.askedBy(order.asked_by, format.clock(order.asked_at, zone))} · {counter.because(order.reason)}{order.decided_by ? ` · ${t.decidedBy(order.decided_by, format.clock(order.decided_at, zone))}` : ""}</div>
        {waiting ? <div>{word(words.orderEffect, order.kind)} {t.concerns(order.residents)} {t.expiresIn} <Remaining until={order.expires_at} /></div> : null}
        {order.state === "issued" ? <Results order={order} /> : null}
      </div>
      {waiting && may("device.command") ? (
        <span className="tools">
          {order.mine ? <Mark tone="info">{counter.yours}</Mark> : <Button type="primary" danger size="small" onClick={() => setAsking("confirm")}>{counter.confirm}</Button>}
          <Button size="small" onClick={() => setAsking("refuse")}>{order.mine ? t.takeBack : counter.refuse}</Button>
        </span>
      ) : null}
      {asking ? (
        <ReasonDialog open title={`${asking === "confirm" ? counter.confirm : order.mine ? t.takeBack : counter.refuse}: ${title}`} danger={asking === "confirm"} close={() => setAsking(null)} submit={decide}
          hint={asking === "confirm" ? <OrderFacts order={order} /> : counter.refuseHint} />
      ) : null}
    </li>
  );
}

/** Each door answers for itself. */
function Results({ order }: { order: Order }): ReactNode {
  const told = useTold();
  const { doors: t, words, devices } = useWords();
  const zone = useZone();
  return (
    <ul className="bullets">
      {order.doors.map((door) => (
        <li key={door.door_id} data-testid="order-door" data-outcome={door.outcome ?? ""}>
          {door.door_name}: {door.outcome ? <StateMark state={door.outcome} words={words.commandOutcome} /> : door.command_id ? <Mark tone="info">{devices.sent}</Mark> : <Mark tone="warn">{told(door.why_zh, door.why_en) || t.notSent}</Mark>}
          {door.outcome_text && door.outcome !== "done" ? <span className="faint"> {told(door.outcome_text, door.outcome_text_en)}</span> : null}
          {order.until && door.outcome === "done" ? <span className="faint"> {t.until(format.clock(order.until, zone))}</span> : null}
        </li>
      ))}
    </ul>
  );
}
