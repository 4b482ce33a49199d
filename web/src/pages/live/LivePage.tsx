/** What happens on the estate now, and how far it can be believed. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useSummary } from "../../api/queries";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useSession } from "../../session";
import { Answer, Panel } from "../../ui/Panel";
import { WaitingFor } from "../../ui/Waiting";
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
  const { may } = useSession();
  const s = useSummary().data;
  if (!s) return null;
  const devices = s.devices.online + s.devices.offline + s.devices.fault + s.devices.unknown;
  const n = (value: number | null | undefined): string => format.number(value);
  const removal = s.sync.oldest_unconfirmed_removal_at;
  const figures: Figure[] = [
    { label: t.occupied, value: n(s.counts.occupied), of: n(s.counts.dwellings) },
    { label: t.vacant, value: n(s.counts.vacant) },
    ...(may("case.view") ? [{ label: t.suspected, value: n(s.counts.suspected) }] : []), // to others a suspected home is let, and 0 would be untrue
    { label: t.passesToday, value: n(s.passes_today) },
    { label: t.passesHour, value: n(s.passes_last_hour) },
    { label: t.doorsOpen, value: n(s.doors_open) },
    { label: t.doorAlarms, value: n(s.door_alarms), attention: s.door_alarms > 0 },
    { label: t.devicesOnline, value: n(s.devices.online), of: n(devices), attention: s.devices.online < devices },
    { label: t.inStep, value: n(s.sync.devices_in_step), of: n(s.sync.devices_total), attention: s.sync.devices_in_step < s.sync.devices_total },
    ...(s.open_cases === null || s.open_cases === undefined ? [] : [{ label: t.openCases, value: n(s.open_cases) }]),
    { label: t.removal, value: removal ? <Link to="/sync"><WaitingFor since={removal} /></Link> : t.removalNone },
  ];
  return (
    <dl className="figures">
      {figures.map(({ label, value, of, attention }) => (
        <div key={label} className={attention ? "figure attention" : "figure"}>
          <dt>{label}</dt>
          <dd>{attention ? <span aria-hidden="true" className="flag">▲ </span> : null}{value}{of ? <span className="of"> {t.ofTotal(of)}</span> : null}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Figure { label: string; value: ReactNode; of?: string; attention?: boolean }
