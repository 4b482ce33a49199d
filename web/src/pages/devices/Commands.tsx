/** What a device may be told from here: asked twice, with a reason, the answer as it comes. */

import { Button, Input, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useCommand } from "../../api/queries";
import type { DeviceDetail } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Empty, Panel } from "../../ui/Panel";

interface Wanted { kind: string; access_point_id: string | null; title: string; hint: string }

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
  return (
    <Panel id="commands" title={t.commands}>
      {!may("device.command") ? <Empty text={t.noCommand} /> : offered.length === 0 ? <Empty /> : (
        <div className="tools">{offered.map((one) => <Button key={one.label} onClick={() => setWanted(one)}>{one.label}</Button>)}</div>
      )}
      {sent ? <Outcome id={sent} /> : null}
      {wanted ? <Ask deviceId={device.id} wanted={wanted} close={() => setWanted(null)} done={setSent} /> : null}
    </Panel>
  );
}

function Ask({ deviceId, wanted, close, done }: { deviceId: string; wanted: Wanted; close: () => void; done: (id: string) => void }): ReactNode {
  const { common, devices: t } = useWords();
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  async function submit(): Promise<void> {
    if (reason.trim().length < 4) return setProblem(t.needReason);
    try {
      const body = { kind: wanted.kind, access_point_id: wanted.access_point_id, reason: reason.trim() };
      const { id } = await call<{ id: string }>(`/devices/${encodeURIComponent(deviceId)}/commands`, { method: "POST", body });
      done(id);
      close();
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.unreachable);
    }
  }
  return (
    <Modal open title={wanted.title} onCancel={close} onOk={() => void submit()} okText={common.confirm} cancelText={common.cancel}>
      <p>{wanted.hint}</p>
      <label className="dialog-field">
        <span>{common.reason}</span>
        <Input.TextArea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={common.reasonPlaceholder} />
      </label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

function Outcome({ id }: { id: string }): ReactNode {
  const { devices: t, words } = useWords();
  const zone = useZone();
  const [ended, setEnded] = useState(false);
  const { data } = useCommand(id, !ended);
  if (data?.outcome && !ended) setEnded(true);
  return (
    <p role="status" data-testid="command" data-outcome={data?.outcome ?? ""} style={{ marginTop: 10 }}>
      {data ? `${word(words.command, data.kind)} ${format.time(data.issued_at, zone)} ` : ""}
      {data?.outcome ? <StateMark state={data.outcome} words={words.commandOutcome} /> : <Mark tone="info">{t.sent}</Mark>} {data?.outcome_text}
    </p>
  );
}
