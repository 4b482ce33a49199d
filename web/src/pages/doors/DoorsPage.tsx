/** Every door: what is observed, what it was told, since when, by whom and until when; and orders to one door or many. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { useDoors } from "../../api/queries";
import type { Door } from "../../api/types";
import * as format from "../../format";
import { useSaid, useTold, useWords, word } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { Remaining } from "../../ui/Waiting";
import { DeclareDoor } from "./DeclareDoor";
import { DoorHours } from "./DoorHours";
import { Law } from "./Law";
import { ORDERS, type OrderKind, toneOfMode } from "./modes";
import { OpenOnce } from "./OpenOnce";
import { OrderDialog, type OrderStart } from "./OrderDialog";
import { Orders } from "./Orders";

export function DoorsPage(): ReactNode {
  const { doors: t } = useWords();
  const { may } = useSession();
  const [order, setOrder] = useState<OrderStart | null>(null);
  const query = useDoors();
  return (
    <>
      <div className="page-head">
        <h1>{t.title}</h1>
        {may("device.command") ? <Button danger onClick={() => setOrder({ kind: "lock_down", scope: "estate", doors: [] })}>{t.whole}</Button> : null}
      </div>
      <Orders />
      <Law />
      <Panel id="door-list" title={t.list} live>
        <Answer query={query} empty={(d) => d.items.length === 0} emptyText={t.empty}>
          {(d) => <Table doors={d.items} order={may("device.command") ? (kind, door) => setOrder({ kind, scope: "doors", doors: [door.id] }) : null} />}
        </Answer>
      </Panel>
      {order ? <OrderDialog start={order} close={() => setOrder(null)} /> : null}
    </>
  );
}

interface TableProps { doors: Door[]; order: ((kind: OrderKind, door: Door) => void) | null }

function Table({ doors, order }: TableProps): ReactNode {
  const { doors: t } = useWords();
  const c = t.columns;
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={t.list}>
      <table className="plain cards">
        <thead><tr><th>{c.door}</th><th>{c.seen}</th><th>{c.mode}</th><th>{c.safety}</th><th>{c.orders}</th></tr></thead>
        <tbody>{doors.map((door) => <Row key={door.id} door={door} order={order} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ door, order }: { door: Door; order: TableProps["order"] }): ReactNode {
  const said = useSaid();
  const told = useTold();
  const { doors: t, words } = useWords();
  const { may } = useSession();
  const zone = useZone();
  return (
    <tr data-testid="door-row" data-mode={door.mode}>
      <td className="nowrap"><strong>{door.name}</strong><div className="faint">{word(words.doorScope, door.scope)}</div>{door.scope === "amenity" ? <div className="faint">{told(door.hours, door.hours_en) || t.hoursAlways} {may("access.desk") ? <DoorHours door={door} /> : null}</div> : null}</td>
      <td>
        <StateMark state={door.state} words={words.doorState} tone={door.known ? (door.state === "open" ? "warn" : door.state === "closed" ? "good" : "none") : "none"} />
        {door.alarm === "normal" ? null : <div><StateMark state={door.alarm} words={words.doorAlarm} /></div>}
        <div className="faint">{door.known ? format.clock(door.state_at, zone) : t.notKnown}</div>
        {door.access_points.filter((point) => point.unwatched).map((point) => <div key={point.id}><Mark tone="warn">{t.unwatched(point.name)}</Mark></div>)}
      </td>
      <td className="mode"><Mode door={door} /></td>
      <td className="law">
        {word(words.failMode, door.fail_mode)} {may("device.manage") ? <DeclareDoor door={door} /> : null}
        {door.law.map((point) => <div key={point.code}><Mark tone={point.refused ? "bad" : "warn"}>{said("law", point.code, point.text_zh)}</Mark></div>)}
      </td>
      <td>
        <div className="tools">
          {order ? <OpenOnce door={door} /> : null}
          {order ? offered(door).map((kind) => (
            <Button key={kind} size="small" danger={kind !== "release"} type={kind === "release" ? "primary" : "default"} aria-label={`${words.order[kind]}: ${door.name}`} onClick={() => order(kind, door)}>{words.order[kind]}</Button>
          )) : null}
        </div>
      </td>
    </tr>
  );
}

/** What can be ordered now: back to normal first while something stands, and not where the door is known to be normal. */
function offered(door: Door): OrderKind[] {
  const can = ORDERS.filter((kind) => door.commands.includes(kind));
  const release = can.filter((kind) => kind === "release" && door.mode !== "normal");
  return [...release, ...can.filter((kind) => kind !== "release")];
}

export function Mode({ door }: { door: Door }): ReactNode {
  const { doors: t, words } = useWords();
  const zone = useZone();
  return (
    <>
      <Mark tone={toneOfMode(door)}>{door.mode_cause === "fire" ? t.fire : word(words.doorMode, door.mode)}</Mark>
      {door.mode_since ? <div className="faint">{t.since(format.clock(door.mode_since, zone))}{door.mode_by ? ` · ${door.mode_by}` : ""}</div> : null}
      {door.mode_until ? <div className="faint">{t.until(format.clock(door.mode_until, zone))}{t.comma}<Remaining until={door.mode_until} /></div> : null}
      {door.mode_reason ? <div className="faint">{door.mode_reason}</div> : null}
    </>
  );
}
