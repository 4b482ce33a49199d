/** What every device should hold against what was read back from it; what is not confirmed, and what to do about it. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useSync } from "../../api/queries";
import type { SyncTruth } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords } from "../../i18n";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { WaitingFor } from "../../ui/Waiting";
import { Devices } from "./Devices";
import { Removals } from "./Removals";

export function SyncPage(): ReactNode {
  const { sync: t } = useWords();
  const query = useSync();
  return (
    <>
      <h1>{t.title}</h1>
      <p className="reminder">{t.lead}</p>
      <Panel id="sync-figures" title={t.glance} live><Answer query={query} rows={1}>{(s) => <Figures sync={s} />}</Answer></Panel>
      <Panel id="removals" title={t.removals} live><Answer query={query} rows={2}>{(s) => <Removals sync={s} />}</Answer></Panel>
      <Panel id="sync" title={t.devices} live>
        <Answer query={query} empty={(s) => s.devices.length === 0} emptyText={t.devicesEmpty}>{(s) => <Devices devices={s.devices} />}</Answer>
      </Panel>
      <Panel id="no-way-in" title={t.noWayIn} live><Answer query={query} rows={2}>{(s) => <NoWayIn sync={s} />}</Answer></Panel>
    </>
  );
}

function Figures({ sync }: { sync: SyncTruth }): ReactNode {
  const { sync: t, live } = useWords();
  const known = sync.devices.filter((device) => device.state !== "unknown"); // of a device nobody can see now nothing is confirmed
  const sum = (pick: "confirmed" | "assumed" | "refused"): number => known.reduce((all, device) => all + device[pick], 0);
  const wanted = sync.devices.reduce((all, device) => all + device.wanted, 0);
  const inStep = sync.devices.filter((device) => device.state === "in_step" && !device.assumed).length;
  const oldest = sync.unconfirmed_removals[0]?.since;
  const figures: [string, ReactNode][] = [
    [t.inStep, <>{format.number(inStep)}<span className="of"> {live.ofTotal(format.number(sync.devices.length))}</span></>],
    [t.heldWanted, <>{format.number(sum("confirmed"))}<span className="of"> {live.ofTotal(format.number(wanted))}</span></>],
    [t.assumedAll, format.number(sum("assumed"))],
    [t.refusedAll, format.number(sum("refused"))],
    [t.oldest, oldest ? <WaitingFor since={oldest} /> : live.removalNone],
    [t.noWayIn, format.number(sync.no_way_in.length)],
  ];
  return <dl className="figures">{figures.map(([label, value]) => <div key={label} className="figure"><dt>{label}</dt><dd>{value}</dd></div>)}</dl>;
}

const SHOWN = 100;

function NoWayIn({ sync }: { sync: SyncTruth }): ReactNode {
  const { sync: t, common } = useWords();
  const told = useTold();
  if (sync.no_way_in.length === 0) return <Empty text={t.noWayInEmpty} />;
  return (
    <div className="table-scroll tall" tabIndex={0} role="group" aria-label={t.noWayIn}>
      <table className="plain">
        <thead><tr><th>{t.person}</th><th>{t.whyNot}</th></tr></thead>
        <tbody>
          {sync.no_way_in.slice(0, SHOWN).map((member) => (
            <tr key={member.token + member.label}><td><Link to={`/dwellings/${encodeURIComponent(member.dwelling_id)}`}>{member.label}</Link></td><td>{told(member.why, member.why_en)}</td></tr>
          ))}
        </tbody>
      </table>
      {sync.no_way_in.length > SHOWN ? <p className="faint">{common.total(sync.no_way_in.length)}</p> : null}
    </div>
  );
}
