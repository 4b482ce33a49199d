/** What each device should hold and what it does hold, as honestly as it was reported. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDevice, useDevices } from "../../api/queries";
import type { DeviceItem, DeviceList } from "../../api/types";
import * as format from "../../format";
import { useSaid, useTold, useWords } from "../../i18n";
import { useZone } from "../../session";
import { toneOf } from "../../status";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

export function DeviceTruth(): ReactNode {
  const t = useWords().live;
  return (
    <Panel id="truth" title={t.truth} live>
      <Answer query={useDevices()} empty={(d) => !d.items.some((device) => device.list)} emptyText={t.noLists}>
        {(d) => (
          <ul className="rows">
            {d.items.filter((device) => device.list).map((device) => <TruthRow key={device.id} device={device} />)}
          </ul>
        )}
      </Answer>
    </Panel>
  );
}

function TruthRow({ device }: { device: DeviceItem }): ReactNode {
  const t = useWords().live;
  const zone = useZone();
  if (!device.list) return null;
  const at = device.list.read_back_at ?? device.list.reported_at;
  return (
    <li>
      <Link to={`/devices/${encodeURIComponent(device.id)}`}>{device.name}</Link>
      {device.list.refused > 0 && device.edge_online ? <WithReason id={device.id} list={device.list} /> : <ListTruth list={device.list} known={device.edge_online} />}
      {at ? <span className="faint">{t.readBack(format.clock(at, zone))}</span> : null}
    </li>
  );
}

function WithReason({ id, list }: { id: string; list: DeviceList }): ReactNode {
  const said = useSaid();
  const told = useTold();
  const first = useDevice(id).data?.refusals[0];
  return <ListTruth list={list} known why={first ? told(first.message_zh, first.message_en) || said("refusal", first.code, "") : ""} />;
}

/** "应有 417，已确认 416，1 个被拒：照片中未检测到人脸" */
export function ListTruth({ list, known, why = "" }: { list: DeviceList; known: boolean; why?: string }): ReactNode {
  const t = useWords().live;
  if (!known || list.state === "unknown") return <Mark tone="none">{t.unknownList(list.wanted)}</Mark>;
  const parts = [t.wanted(list.wanted)];
  if (list.state === "behind") parts.push(t.olderList); // what follows was confirmed of that one
  if (list.confirmed || !list.assumed) parts.push(t.confirmed(list.confirmed));
  if (list.assumed) parts.push(t.assumed(list.assumed));
  if (list.pending) parts.push(t.pendingN(list.pending));
  if (list.refused) parts.push(t.refused(list.refused, why));
  if (list.foreign) parts.push(t.foreign(list.foreign));
  if (list.decided_at_edge) parts.push(t.decidedAtEdge);
  return <Mark tone={list.assumed && list.state === "in_step" ? "info" : toneOf(list.state)}>{parts.join(" · ")}</Mark>;
}
