/** What happens on the estate now, and how far it can be believed. */

import type { ReactNode } from "react";
import { useSummary } from "../../api/queries";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useZone } from "../../session";
import { Answer, Panel } from "../../ui/Panel";
import { DeviceTruth } from "./DeviceTruth";
import { Doors } from "./Doors";
import { Edges, EdgeBanner } from "./Edges";
import { Feed } from "./Feed";

export function LivePage(): ReactNode {
  const t = useWords().live;
  const summary = useSummary();
  return (
    <>
      <h1 className="sr-only">{t.title}</h1>
      <EdgeBanner edges={summary.data?.edges ?? []} />
      <Panel id="kpi" title={t.kpi} live className="kpi-panel"><Answer query={summary} rows={1}>{() => <Figures />}</Answer></Panel>
      <div className="live-grid">
        <Feed />
        <div className="stack">
          <Doors />
          <DeviceTruth />
          <Edges />
        </div>
      </div>
    </>
  );
}

function Figures(): ReactNode {
  const t = useWords().live;
  const zone = useZone();
  const s = useSummary().data;
  if (!s) return null;
  const devices = s.devices.online + s.devices.offline + s.devices.fault + s.devices.unknown;
  const n = (value: number | null | undefined): string => format.number(value);
  const removal = s.sync.oldest_unconfirmed_removal_at;
  const figures: [string, string, boolean?][] = [
    [t.occupied, t.ofTotal(n(s.counts.occupied), n(s.counts.dwellings))],
    [t.vacant, n(s.counts.vacant)],
    [t.suspected, n(s.counts.suspected)],
    [t.passesToday, n(s.passes_today)],
    [t.passesHour, n(s.passes_last_hour)],
    [t.doorsOpen, n(s.doors_open)],
    [t.doorAlarms, n(s.door_alarms), s.door_alarms > 0],
    [t.devicesOnline, t.ofTotal(n(s.devices.online), n(devices)), s.devices.online < devices],
    [t.inStep, t.ofTotal(n(s.sync.devices_in_step), n(s.sync.devices_total)), s.sync.devices_in_step < s.sync.devices_total],
    ...(s.open_cases === null || s.open_cases === undefined ? [] : [[t.openCases, n(s.open_cases)] as [string, string]]),
    [t.removal, removal ? t.removalSince(format.clock(removal, zone)) : t.removalNone, Boolean(removal)],
  ];
  return (
    <dl className="figures">
      {figures.map(([label, value, attention]) => (
        <div key={label} className={attention ? "figure attention" : "figure"}>
          <dt>{label}</dt>
          <dd className={value.length > 9 ? "long" : ""}>{attention ? <span aria-hidden="true">▲ </span> : null}{value}</dd>
        </div>
      ))}
    </dl>
  );
}
