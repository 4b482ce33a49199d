/** Access that was ended and is not yet confirmed to be gone: one line a credential and device, oldest first. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDevices } from "../../api/queries";
import type { DeviceItem, Removal, SyncTruth } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import type { Words } from "../../i18n/zh";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { WaitingFor } from "../../ui/Waiting";

const SHOWN = 200;

export function Removals({ sync }: { sync: SyncTruth }): ReactNode {
  const { sync: t, words, common } = useWords();
  const zone = useZone();
  const devices = useDevices().data?.items ?? [];
  const removals = sync.unconfirmed_removals;
  if (removals.length === 0) return <p><Mark tone="good">{t.removalsEmpty}</Mark></p>;
  return (
    <div className="table-scroll tall" tabIndex={0} role="group" aria-label={t.removals}>
      <table className="plain">
        <thead><tr><th>{t.person}</th><th>{t.device}</th><th>{t.since}</th><th>{t.waiting}</th><th>{t.whyPending}</th></tr></thead>
        <tbody>
          {removals.slice(0, SHOWN).map((removal) => (
            <tr key={removal.token + removal.part + removal.device_id} data-testid="removal">
              <td>{removal.label}<div className="faint">{removal.because ? word(words.endedBecause, removal.because.split(":")[0]) : removal.part === "face" ? t.faceOff : t.offTheList}</div></td>
              <td><Link to={`/devices/${encodeURIComponent(removal.device_id)}`}>{removal.device_name}</Link></td>
              <td className="num">{format.clock(removal.since, zone)}</td>
              <td><WaitingFor since={removal.since} /></td>
              <td><Why removal={removal} device={devices.find((one) => one.id === removal.device_id)} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {removals.length > SHOWN ? <p className="faint">{common.total(removals.length)}</p> : null}
    </div>
  );
}

/** Why it is not confirmed, and what helps. */
function Why({ removal, device }: { removal: Removal; device: DeviceItem | undefined }): ReactNode {
  const t = useWords().sync.pendingBecause;
  const told = useTold();
  return <>{t[reasonOf(removal, device)]}{removal.told ? <div className="faint">{told(removal.told_zh, removal.told_en)}</div> : null}</>;
}

function reasonOf(removal: Removal, device: DeviceItem | undefined): keyof Words["sync"]["pendingBecause"] {
  if (!removal.edge_online) return "edge_offline";
  if (device?.condition === "offline" || device?.condition === "fault") return "device_offline";
  if (device && !device.in_service) return "not_in_service";
  if (device?.list && !device.list.read_back_at && !device.list.decided_at_edge) return "never_read";
  return "on_its_way";
}
