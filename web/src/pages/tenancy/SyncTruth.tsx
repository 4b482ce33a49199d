/** What each device should hold against what it holds; removals not yet confirmed; who has no way in. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useSync } from "../../api/queries";
import type { SyncDevice, SyncTruth } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Empty, Panel } from "../../ui/Panel";

export function SyncTruthPanels(): ReactNode {
  const t = useWords().tenancy;
  const query = useSync();
  return (
    <>
      <Panel id="sync" title={t.sync} live>
        <Answer query={query} empty={(s) => s.devices.length === 0} emptyText={t.syncEmpty}>{(s) => <Devices devices={s.devices} />}</Answer>
      </Panel>
      <div className="two">
        <Panel id="removals" title={t.removals} live><Answer query={query}>{(s) => <Removals sync={s} />}</Answer></Panel>
        <Panel id="no-way-in" title={t.noWayIn} live><Answer query={query}>{(s) => <NoWayIn sync={s} />}</Answer></Panel>
      </div>
    </>
  );
}

function Devices({ devices }: { devices: SyncDevice[] }): ReactNode {
  const { tenancy, words } = useWords();
  const zone = useZone();
  const t = tenancy.syncColumns;
  const n = (device: SyncDevice, value: number): string => (device.state === "unknown" ? format.NONE : format.number(value));
  return (
    <div className="table-scroll">
      <table className="plain">
        <thead><tr><th>{t.device}</th><th>{t.state}</th><th>{t.wanted}</th><th>{t.confirmed}</th><th>{t.assumed}</th><th>{t.pending}</th><th>{t.refused}</th><th>{t.foreign}</th><th>{t.readBack}</th></tr></thead>
        <tbody>
          {devices.map((device) => (
            <tr key={device.device_id}>
              <td><Link to={`/devices/${encodeURIComponent(device.device_id)}`}>{device.device_name}</Link></td>
              <td>{device.state === "in_step" && device.assumed ? <StateMark state="assumed" words={words.heldState} /> : <StateMark state={device.state} words={words.listState} />}</td>
              <td className="num">{format.number(device.wanted)}</td><td className="num">{n(device, device.confirmed)}</td><td className="num">{n(device, device.assumed)}</td>
              <td className="num">{n(device, device.pending)}</td><td className="num">{n(device, device.refused)}</td><td className="num">{n(device, device.foreign)}</td>
              <td className="num">{format.clock(device.read_back_at, zone)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Removals({ sync }: { sync: SyncTruth }): ReactNode {
  const { tenancy: t, live } = useWords();
  const zone = useZone();
  if (sync.unconfirmed_removals.length === 0) return <Empty text={t.removalsEmpty} />;
  return (
    <ul className="rows">
      {sync.unconfirmed_removals.map((removal) => (
        <li key={removal.token + removal.device_name}>
          <strong>{removal.label}</strong><span>{removal.device_name}</span>
          <Mark tone="warn">{live.removalSince(format.clock(removal.since, zone))}</Mark>
        </li>
      ))}
    </ul>
  );
}

function NoWayIn({ sync }: { sync: SyncTruth }): ReactNode {
  const t = useWords().tenancy;
  if (sync.no_way_in.length === 0) return <Empty text={t.noWayInEmpty} />;
  return (
    <ul className="rows">
      {sync.no_way_in.slice(0, 50).map((member) => (
        <li key={member.token}><Link to={`/dwellings/${encodeURIComponent(member.dwelling_id)}`}>{member.label}</Link><span>{member.why}</span></li>
      ))}
    </ul>
  );
}
