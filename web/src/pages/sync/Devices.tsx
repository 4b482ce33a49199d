/** Device by device: wanted, confirmed, assumed, on its way, refused; why, and what to do. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { useDevice, useDevices } from "../../api/queries";
import type { DeviceItem, SyncDevice } from "../../api/types";
import * as format from "../../format";
import { useSaid, useTold, useWords } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer } from "../../ui/Panel";
import { ReadBack } from "./ReadBack";

const COLUMNS = 11;

export function Devices({ devices }: { devices: SyncDevice[] }): ReactNode {
  const { sync } = useWords();
  const known = useDevices().data?.items ?? [];
  const t = sync.columns;
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={sync.devices}>
      <table className="plain">
        <thead>
          <tr>
            <th>{t.device}</th><th>{t.state}</th><th className="right">{t.wanted}</th><th className="right">{t.confirmed}</th><th className="right">{t.assumed}</th>
            <th className="right">{t.pending}</th><th className="right">{t.refused}</th><th className="right">{t.foreign}</th><th className="right">{t.drift}</th><th>{t.readBack}</th><th><span className="sr-only">{sync.readBackNow}</span></th>
          </tr>
        </thead>
        <tbody>{devices.map((device) => <Row key={device.device_id} row={device} device={known.find((one) => one.id === device.device_id)} />)}</tbody>
      </table>
    </div>
  );
}

/** What nobody can say now is "—", not yesterday's number. */
function Row({ row, device }: { row: SyncDevice; device: DeviceItem | undefined }): ReactNode {
  const { sync: t, words } = useWords();
  const { may } = useSession();
  const zone = useZone();
  const [open, setOpen] = useState(row.refused > 0);
  const assumed = row.state === "in_step" && row.assumed > 0;
  const unknown = row.state === "unknown" || device?.edge_online === false;
  const seen = (value: number): string => (unknown ? format.NONE : format.number(value));
  const next = nextStep(row, device, t.next);
  return (
    <>
      <tr data-testid="sync-device" data-state={row.state}>
        <td><Link to={`/devices/${encodeURIComponent(row.device_id)}`}>{row.device_name}</Link></td>
        <td>
          {assumed ? <StateMark state="assumed" words={words.heldState} /> : <StateMark state={row.state} words={words.listState} />}
          {next ? <div className="faint next">{next}</div> : null}
        </td>
        <td className="num right">{format.number(row.wanted)}</td>
        <td className="num right">{seen(row.confirmed)}</td>
        <td className="num right">{seen(row.assumed)}</td>
        <td className="num right">{seen(row.pending)}</td>
        <td className="num right">
          {row.refused > 0 ? <Button size="small" danger type="link" aria-expanded={open} onClick={() => setOpen(!open)}>{format.number(row.refused)}</Button> : seen(row.refused)}
        </td>
        <td className="num right">{row.foreign > 0 ? <Link to={`/devices/${encodeURIComponent(row.device_id)}`}>{format.number(row.foreign)}</Link> : seen(row.foreign)}</td>
        <td className="num right">{format.number(row.drift)}{row.drift_at ? <div className="faint">{format.clock(row.drift_at, zone)}</div> : null}</td>
        <td className="num">{format.clock(row.read_back_at, zone)}</td>
        <td>{may("device.command") && device ? <ReadBack device={device} /> : null}</td>
      </tr>
      {open && row.refused > 0 ? <tr className="detail-row"><td colSpan={COLUMNS}><Refused id={row.device_id} /></td></tr> : null}
    </>
  );
}

function nextStep(row: SyncDevice, device: DeviceItem | undefined, t: ReturnType<typeof useWords>["sync"]["next"]): string {
  if (device && !device.edge_online) return t.edge_offline;
  if (device && (device.condition === "offline" || device.condition === "fault")) return t.device_offline;
  if (row.state === "unknown") return row.read_back_at ? t.unknown : t.never_read;
  if (row.state === "in_step" && row.assumed > 0) return t.assumed;
  return t[row.state as keyof typeof t] ?? "";
}

const SHOWN = 20;

/** Each refused person with what a clerk can do about it. */
function Refused({ id }: { id: string }): ReactNode {
  const said = useSaid();
  const told = useTold();
  const { sync: t, devices } = useWords();
  return (
    <Answer query={useDevice(id)} rows={1}>
      {(device) => (
        <>
          <ul className="rows" aria-label={devices.refusals} data-testid="refused-persons">
            {device.refusals.slice(0, SHOWN).map((one) => (
              <li key={one.token}>
                <Mark tone="bad">{told(one.message_zh, one.message_en) || said("refusal", one.code, "")}</Mark>
                {one.dwelling_id ? <Link to={`/dwellings/${encodeURIComponent(one.dwelling_id)}`}>{one.label}</Link> : <span>{one.label}</span>}
              </li>
            ))}
          </ul>
          {device.refusals.length > SHOWN ? <Link to={`/devices/${encodeURIComponent(id)}`}>{t.moreRefused(device.refusals.length - SHOWN)}</Link> : null}
        </>
      )}
    </Answer>
  );
}
