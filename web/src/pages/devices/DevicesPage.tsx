/** Every device by kind: how it is, what it holds, how its clock runs. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDevices } from "../../api/queries";
import type { DeviceItem } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ListTruth } from "../live/DeviceTruth";
import { AddDevice, FoundDevices } from "./AddDevice";
import { ServiceMark } from "./Setup";

export function DevicesPage(): ReactNode {
  const { devices: t, words } = useWords();
  return (
    <>
      <div className="page-head"><h1>{t.title}</h1><AddDevice /></div>
      <FoundDevices />
      <Answer query={useDevices()} empty={(d) => d.items.length === 0} emptyText={t.empty} rows={12}>
        {(d) => [...byKind(d.items)].map(([kind, devices]) => (
          <Panel key={kind} id={`kind-${kind}`} title={word(words.deviceKind, kind)} live><Table devices={devices} /></Panel>
        ))}
      </Answer>
    </>
  );
}

function byKind(items: DeviceItem[]): Map<string, DeviceItem[]> {
  const kinds = new Map<string, DeviceItem[]>();
  for (const device of items) kinds.set(device.kind, [...(kinds.get(device.kind) ?? []), device]);
  return kinds;
}

/** How a device is; below an edge that is gone nobody can say. */
export function Condition({ device }: { device: DeviceItem }): ReactNode {
  const { devices: t, words } = useWords();
  if (device.root_cause === "edge_offline") return <Mark tone="none">{t.root}</Mark>;
  return <StateMark state={device.condition} words={words.condition} />;
}

function Table({ devices }: { devices: DeviceItem[] }): ReactNode {
  const { devices: t } = useWords();
  const told = useTold();
  const zone = useZone();
  const c = t.columns;
  return (
    <div className="table-scroll">
      <table className="plain">
        <thead><tr><th>{c.name}</th><th>{c.condition}</th><th>{c.since}</th><th>{c.list}</th><th title={t.clockHint}>{c.clock}</th><th>{c.seen}</th><th>{c.model}</th></tr></thead>
        <tbody>
          {devices.map((device) => (
            <tr key={device.id} data-testid="device">
              <td><Link to={`/devices/${encodeURIComponent(device.id)}`}>{device.name}</Link><div className="faint">{device.code}</div></td>
              <td>{device.in_service ? null : <div><ServiceMark inService={false} /></div>}<Condition device={device} />{device.detail ? <div className="faint">{told(device.detail_zh, device.detail_en)}</div> : null}</td>
              <td className="num">{format.clock(device.condition_since, zone)}</td>
              <td>{device.list ? <ListTruth list={device.list} known={device.edge_online} /> : <span className="faint">{t.noList}</span>}</td>
              <td className="num">{format.offset(device.clock_offset_s)}</td>
              <td className="num">{format.clock(device.last_seen_at, zone)}</td>
              <td className="faint">{[told(device.model, device.model_en), device.firmware].filter(Boolean).join(" / ") || format.NONE}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
