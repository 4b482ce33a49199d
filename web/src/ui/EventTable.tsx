/** Events of any kind: when it happened by the device, when it was received, and what it was. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import type { EventItem } from "../api/types";
import * as format from "../format";
import { useSaid, useTold, useWords, word } from "../i18n";
import { useZone } from "../session";
import { StateMark } from "./Mark";
import { Snapshot } from "./Snapshot";

export function EventTable({ items }: { items: EventItem[] }): ReactNode {
  const { events, words, live } = useWords();
  const zone = useZone();
  const t = events.columns;
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={events.title}>
      <table className="plain">
        <thead><tr><th>{t.at}</th><th>{t.kind}</th><th>{t.where}</th><th>{t.who}</th><th>{t.what}</th><th>{t.received}</th><th>{t.offset}</th></tr></thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id} data-testid="event">
              <td className="num">{format.dateTime(item.at, zone)}{item.late ? <span className="late" title={live.lateHint}>{live.late}</span> : null}</td>
              <td>{word(words.kind, item.kind)}</td>
              <td>{item.access_point_name ?? item.device_name}</td>
              <td>{item.dwelling_id ? <Link to={`/dwellings/${encodeURIComponent(item.dwelling_id)}`}>{item.holder ?? item.dwelling_number}</Link> : (item.holder ?? format.NONE)}</td>
              <td><What item={item} /></td>
              <td className="num faint">{format.clock(item.received_at, zone)}</td>
              <td className="num faint">{format.offset(item.clock_offset_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function What({ item }: { item: EventItem }): ReactNode {
  const { words, live } = useWords();
  const said = useSaid();
  const told = useTold();
  const zone = useZone();
  const picture = item.snapshot ? <Snapshot of={item} sha256={item.snapshot} label={live.imageOf(item.access_point_name ?? item.device_name, format.time(item.at, zone))} /> : null;
  const face = item.face_zh ? <span className={item.face === "different" ? "faint warn" : "faint"} data-testid="face"> {told(item.face_zh, item.face_en)}</span> : null;
  const text = item.text ? <span className="faint"> {told(item.text_zh, item.text_en)}</span> : null;
  switch (item.kind) {
    case "access":
      return (
        <>
          {word(words.identifier, item.identifier, "")} <StateMark state={item.outcome} words={words.outcome} />{" "}
          {item.outcome === "denied" || item.outcome === "not_taken" ? <span className="faint">{said("denial", item.reason, item.reason_zh)}</span> : null}{picture}{face}
        </>
      );
    case "door":
      return <><StateMark state={item.door_state} words={words.doorState} tone="none" />{" "}{item.door_alarm && item.door_alarm !== "normal" ? <StateMark state={item.door_alarm} words={words.doorAlarm} /> : null}{text}</>;
    case "meter":
      return <>{word(words.quantity, item.quantity)} {format.number(item.value, 3)} {words.quantityUnit[item.quantity ?? ""] ?? ""}{text}</>;
    case "observation":
      return <><StateMark state={item.outcome} words={words.coverage} /> <span className="faint">{told(item.reason_zh, item.reason_en)}</span></>;
    default:
      return <>{item.topic_zh ? told(item.topic_zh, item.topic_en) : item.topic ? <code>{item.topic}</code> : null}{item.kind === "face_check" ? null : text}{picture}{face}</>;
  }
}
