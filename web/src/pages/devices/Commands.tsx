/** What a device may be told from here: asked twice, with a reason, the answer as it comes. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { call } from "../../api/client";
import { useCommand } from "../../api/queries";
import type { DeviceDetail } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Empty, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { pressKey } from "../doors/modes";

interface Wanted { kind: string; access_point_id: string | null; title: string; hint: string; key?: string }

function offers(device: DeviceDetail, t: ReturnType<typeof useWords>["devices"]): (Wanted & { label: string })[] {
  const doors = device.access_points.map((point) => ({
    kind: "momentary_access", access_point_id: point.id, title: t.openTitle(point.name), hint: t.openHint, label: `${t.openDoor} · ${point.name}`,
  }));
  const other = (kind: string, label: string): Wanted & { label: string } => ({ kind, label, access_point_id: null, title: t.commandTitle(label), hint: t.commandHint });
  return [...doors, ...(device.list ? [other("read_back", t.readBack)] : []), ...(device.kind.includes("camera") ? [other("snapshot", t.takeSnapshot)] : [])];
}

export function Commands({ device }: { device: DeviceDetail }): ReactNode {
  const t = useWords().devices;
  const { may } = useSession();
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [sent, setSent] = useState<string | null>(null);
  const offered = offers(device, t);
  const send = async ({ kind, access_point_id, key }: Wanted, reason: string): Promise<void> => {
    const path = `/devices/${encodeURIComponent(device.id)}/commands`;
    setSent((await call<{ id: string }>(path, { method: "POST", body: { kind, access_point_id, reason, key: key ?? "" } })).id);
    setWanted(null);
  };
  return (
    <Panel id="commands" title={t.commands}>
      {!may("device.command") ? <Empty text={t.noCommand} /> : offered.length === 0 ? <Empty /> : (
        <div className="tools">{offered.map((one) => <Button key={one.label} onClick={() => setWanted({ ...one, key: pressKey() })}>{one.label}</Button>)}</div>
      )}
      {sent ? <CommandOutcome id={sent} /> : null}
      {device.access_points.length ? <p style={{ marginTop: 10 }}><Link to="/doors">{t.moreOrders}</Link></p> : null}
      {wanted ? <ReasonDialog open title={wanted.title} hint={wanted.hint} close={() => setWanted(null)} submit={(reason) => send(wanted, reason)} /> : null}
    </Panel>
  );
}

export function CommandOutcome({ id }: { id: string }): ReactNode {
  const { devices: t, words } = useWords();
  const told = useTold();
  const zone = useZone();
  const [ended, setEnded] = useState(false);
  const { data } = useCommand(id, !ended);
  if (data?.outcome && !ended) setEnded(true);
  return (
    <p role="status" data-testid="command" data-outcome={data?.outcome ?? ""} style={{ marginTop: 10 }}>
      {data ? `${word(words.command, data.kind)} ${format.time(data.issued_at, zone)} ` : ""}
      {data?.outcome ? <StateMark state={data.outcome} words={words.commandOutcome} /> : <Mark tone="info">{t.sent}</Mark>} {data ? told(data.outcome_text, data.outcome_text_en) : ""}
    </p>
  );
}
