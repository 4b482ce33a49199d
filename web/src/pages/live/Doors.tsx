/** Each door: what was observed, and whether that is still known. */

import type { ReactNode } from "react";
import { useDevices, useDoors } from "../../api/queries";
import type { DeviceItem, Door } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { stands } from "../doors/modes";

export function Doors(): ReactNode {
  const t = useWords().live;
  const devices = useDevices().data?.items ?? [];
  return (
    <Panel id="doors" title={t.doors} live>
      <Answer query={useDoors()} empty={(d) => d.items.length === 0} emptyText={t.noDoors}>
        {(d) => <ul className="rows">{d.items.map((door) => <DoorRow key={door.id} door={door} devices={devices} />)}</ul>}
      </Answer>
    </Panel>
  );
}

function DoorRow({ door, devices }: { door: Door; devices: DeviceItem[] }): ReactNode {
  const { live: t, doors, words } = useWords();
  const zone = useZone();
  const ids = door.access_points.map((point) => point.device_id);
  const since = devices.find((device) => ids.includes(device.id) && device.condition !== "online")?.condition_since;
  return (
    <li data-known={door.known} className={door.known ? "" : "not-known"}>
      <strong>{door.name}</strong>
      <StateMark state={door.state} words={words.doorState} tone={door.known ? (door.state === "open" ? "warn" : door.state === "closed" ? "good" : "none") : "none"} />
      {door.alarm !== "normal" ? <StateMark state={door.alarm} words={words.doorAlarm} /> : null}
      {stands(door) ? <Mark tone="bad">{door.mode_cause === "fire" ? doors.fire : word(words.doorMode, door.mode)}</Mark> : null}
      <span className="faint">
        {door.known ? (door.state_at ? format.clock(door.state_at, zone) : "") : since ? t.lastKnown(format.clock(since, zone)) : t.lastKnownNoTime}
      </span>
    </li>
  );
}
