/** One device: the truth about its list, who it refuses and what to do, when it could see, what it may be told. */

import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { useDevice, useDeviceEvents } from "../../api/queries";
import type { DeviceDetail } from "../../api/types";
import * as format from "../../format";
import { useSaid, useTold, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { EventTable } from "../../ui/EventTable";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { ListTruth } from "../live/DeviceTruth";
import { Commands } from "./Commands";
import { CoverageBar } from "./CoverageBar";
import { Condition } from "./DevicesPage";
import { ServiceMark, Setup } from "./Setup";

export function DevicePage(): ReactNode {
  const { id = "" } = useParams();
  return <Answer page query={useDevice(id)} rows={14}>{(device) => <Page device={device} key={id} />}</Answer>;
}

function Page({ device }: { device: DeviceDetail }): ReactNode {
  const { devices: t, words } = useWords();
  return (
    <>
      <div className="page-head">
        <h1>{device.name}</h1>
        <span className="faint">{word(words.deviceKind, device.kind)}</span>
        <Condition device={device} />
        {device.in_service ? null : <ServiceMark inService={false} />}
      </div>
      <Facts device={device} />
      {device.in_service ? null : <Setup device={device} />}
      <div className="two">
        <div>
          <Refusals device={device} />
          <Panel id="coverage" title={t.coverage}><CoverageBar spans={device.coverage} /></Panel>
          <Commands device={device} />
        </div>
        <div><Points device={device} />{device.in_service ? <Setup device={device} /> : null}<Config device={device} /></div>
      </div>
      <Panel id="recent" title={t.recent}>
        <Answer query={useDeviceEvents(device.id)} empty={(page) => page.items.length === 0}>{(page) => <EventTable items={page.items} />}</Answer>
      </Panel>
    </>
  );
}

function Facts({ device }: { device: DeviceDetail }): ReactNode {
  const t = useWords().devices;
  const told = useTold();
  const zone = useZone();
  const facts: [string, ReactNode][] = [
    [t.columns.since, format.dateTime(device.condition_since, zone)], [t.columns.seen, format.dateTime(device.last_seen_at, zone)],
    [t.columns.clock, format.offset(device.clock_offset_s)], [t.columns.model, [told(device.model, device.model_en), device.firmware].filter(Boolean).join(" / ") || format.NONE],
    [t.edge, device.edge_id], [t.unreadable, format.number(device.unreadable_count)],
  ];
  if (device.detail && device.in_service) facts.push([t.detail, told(device.detail_zh, device.detail_en)]);
  if (device.meters) facts.push([t.meters, device.meters]);
  if (device.list) {
    facts.push([t.listDetail, <ListTruth key="list" list={device.list} known={device.edge_online} />]);
    facts.push([t.columns.list, t.generation(format.number(device.list.held_generation), format.number(device.list.wanted_generation))]);
  }
  return (
    <section className="panel" aria-label={t.detail}>
      <div className="panel-body"><dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl></div>
    </section>
  );
}

function Refusals({ device }: { device: DeviceDetail }): ReactNode {
  const said = useSaid();
  const told = useTold();
  const t = useWords().devices;
  return (
    <Panel id="refusals" title={t.refusals}>
      {device.refusals.length === 0 ? <Empty text={t.refusalsEmpty} /> : (
        <table className="plain">
          <thead><tr><th>{t.who}</th><th>{t.what}</th><th>{t.technical}</th></tr></thead>
          <tbody>
            {device.refusals.map((refusal) => (
              <tr key={refusal.token}>
                <td>{refusal.dwelling_id ? <Link to={`/dwellings/${encodeURIComponent(refusal.dwelling_id)}`}>{refusal.label}</Link> : refusal.label}</td>
                <td><strong>{told(refusal.message_zh, refusal.message_en) || said("refusal", refusal.code, "")}</strong></td>
                <td className="faint"><code>{[refusal.code, told(refusal.text, refusal.text_en)].filter(Boolean).join(" ")}</code></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Points({ device }: { device: DeviceDetail }): ReactNode {
  const { devices: t, words } = useWords();
  return (
    <Panel id="points" title={t.points}>
      {device.access_points.length === 0 ? <Empty text={t.pointsEmpty} /> : (
        <ul className="rows">
          {device.access_points.map((point) => (
            <li key={point.id}>
              <strong>{point.name}</strong><span className="faint">{format.unlessSaid(point.name, word(words.side, point.side))}</span>
              <span>{t.accepts} {point.identifiers_accepted.map((type) => word(words.identifier, type)).join(" · ") || format.NONE}</span>
              {point.camera_id ? <span className="faint">{t.camera} <Link to={`/devices/${encodeURIComponent(point.camera_id)}`}>{point.camera_id}</Link></span> : null}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Config({ device }: { device: DeviceDetail }): ReactNode {
  const t = useWords().devices;
  const entries = Object.entries(device.config);
  return (
    <Panel id="config" title={t.config}>
      {entries.length === 0 ? <Empty /> : (
        <dl className="facts">
          {entries.map(([key, value]) => <div key={key}><dt>{key}</dt><dd><code>{typeof value === "string" ? value : JSON.stringify(value)}</code></dd></div>)}
        </dl>
      )}
    </Panel>
  );
}
