/** One person's credential on the devices: "on 6 of 6 devices since 09:12", and each device with what it confirmed and when. */

import { Button, Drawer } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import * as format from "../format";
import { useTold, useWords, word } from "../i18n";
import { useZone } from "../session";
import { Mark, StateMark } from "./Mark";

/** `since`: last seen so; `held_since`: since when it is known to be held so; `proof`: by what. */
export interface Holding { device_id: string; device_name: string; state: string; since: string | null; code?: string; message_zh: string; message_en: string; held_since?: string | null; proof?: string }

const heldSince = (device: Holding): string | null => device.held_since ?? device.since;

/** Green only where every device was read back; "since" is the youngest of their confirmations. `gone`: an ended credential, whose
 * devices are those that have not confirmed its removal. */
export function OnDevices({ devices, who, gone = false, none }: { devices: Holding[]; who: string; gone?: boolean; none?: string }): ReactNode {
  const t = useWords().onDevices;
  const zone = useZone();
  const [open, setOpen] = useState(false);
  const confirmed = devices.filter((device) => device.state === "confirmed");
  const newest = confirmed.map((device) => heldSince(device) ?? "").toSorted().at(-1);
  const odd = devices.filter((device) => device.state !== "confirmed");
  if (devices.length === 0) return <Mark tone={gone ? "good" : "none"}>{gone ? t.goneEverywhere : (none ?? t.onNone)}</Mark>;
  return (
    <div className="on-devices" data-testid="on-devices">
      <Mark tone={odd.length ? "warn" : "good"}>{gone ? t.stillOn(devices.length) : confirmed.length === 0 ? t.short(0, devices.length) : t.on(confirmed.length, devices.length, format.clock(newest, zone))}</Mark>{" "}
      <Button size="small" type="link" onClick={() => setOpen(true)} aria-haspopup="dialog">{t.each}</Button>
      {odd.length ? <OddOnes devices={odd} /> : null}
      <Drawer open={open} onClose={() => setOpen(false)} title={t.title(who)} size={520} destroyOnHidden><Each devices={devices} label={t.title(who)} /></Drawer>
    </div>
  );
}

function OddOnes({ devices }: { devices: Holding[] }): ReactNode {
  const told = useTold();
  const { words } = useWords();
  return (
    <ul>
      {devices.slice(0, 8).map((device) => (
        <li key={device.device_id}>{device.device_name}: <StateMark state={device.state} words={words.heldState} />{device.message_zh ? ` ${told(device.message_zh, device.message_en)}` : ""}</li>
      ))}
    </ul>
  );
}

function Each({ devices, label }: { devices: Holding[]; label: string }): ReactNode {
  const told = useTold();
  const { onDevices: t, words } = useWords();
  const zone = useZone();
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={label} data-testid="person-devices">
      <table className="plain">
        <thead><tr><th>{t.device}</th><th>{t.state}</th><th>{t.since}</th></tr></thead>
        <tbody>
          {devices.map((device) => (
            <tr key={device.device_id}>
              <td><Link to={`/devices/${encodeURIComponent(device.device_id)}`}>{device.device_name}</Link></td>
              <td><StateMark state={device.state} words={words.heldState} />{device.message_zh ? <div className="faint">{told(device.message_zh, device.message_en)}</div> : null}</td>
              <td className="num">{format.clock(heldSince(device), zone)}{device.proof ? <div className="faint">{word(t.proof, device.proof)} {format.clock(device.since, zone)}</div> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="faint" style={{ marginTop: 10 }}>{t.legend}</p>
    </div>
  );
}
