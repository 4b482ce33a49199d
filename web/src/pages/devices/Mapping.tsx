/** Which doors a device controls: one row a point of the device, a door that stands or a new one. */

import { App, Button, Input, Modal, Select } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useBlocks, useDevices, useDoors } from "../../api/queries";
import type { DeviceSetup } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useZone } from "../../session";
import { ServiceDay } from "../doors/ServiceDay";

const NEW = "new";
interface Row { point: string; accessPoint: string | null; door: string | null; name: string; scope: string; block: string | null; side: string; camera: string | null; /** null: as the hub has it */ since: string | null }

function rowsOf(setup: DeviceSetup): Row[] {
  const blank = (point: string): Row => ({ point, accessPoint: null, door: null, name: "", scope: "estate", block: null, side: "in", camera: null, since: null });
  const known = setup.points.map((point): Row => ({ ...blank(point.point), accessPoint: point.id, door: point.door_id, side: point.side, camera: point.camera_id }));
  const doors = typeof setup.config["doors"] === "number" ? setup.config["doors"] : 1;
  const names = Array.from({ length: doors }, (_, n) => `door${n + 1}`);
  return [...known, ...names.filter((name) => !known.some((row) => row.point === name)).map(blank)];
}

function sent(row: Row): Record<string, unknown> {
  const common = { point: row.point, side: row.side, camera_id: row.camera, ...(row.since === null ? {} : { in_service_since: row.since || null }) };
  if (row.accessPoint) return { ...common, access_point_id: row.accessPoint };
  if (row.door !== NEW) return { ...common, door_id: row.door };
  return { ...common, door: { name: row.name.trim(), scope: row.scope, block_id: row.scope === "block" ? row.block : null } };
}

export function Mapping({ setup, done, close }: { setup: DeviceSetup; done: () => Promise<void>; close: () => void }): ReactNode {
  const { adding: t, common, counter } = useWords();
  const { message } = App.useApp();
  const [rows, setRows] = useState(() => rowsOf(setup));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  async function send(): Promise<void> {
    const used = rows.filter((row) => row.accessPoint || row.door);
    if (used.some((row) => row.door === NEW && !row.name.trim())) return setProblem(t.doorNameNeeded);
    setBusy(true);
    try {
      const answer = await call<{ held?: string } | undefined>(`/devices/${encodeURIComponent(setup.device_id)}/points`, { method: "PUT", body: { points: used.map(sent) } });
      if (answer?.held) void message.warning(counter.heldNow, 8);
      await done();
      close();
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.mapTitle} onCancel={close} onOk={() => void send()} okText={common.save} cancelText={common.cancel} okButtonProps={{ loading: busy }} width={620}>
      <p>{t.mapHint}</p>
      {rows.map((row, index) => (
        <PointRow key={row.point} row={row} known={setup.points} change={(now) => setRows(rows.map((other, n) => (n === index ? now : other)))} />
      ))}
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

interface PointRowProps { row: Row; known: DeviceSetup["points"]; change: (row: Row) => void }

function PointRow({ row, known, change }: PointRowProps): ReactNode {
  const { adding: t, words } = useWords();
  const doors = useDoors().data?.items ?? [];
  const blocks = useBlocks().data?.blocks ?? [];
  const cameras = (useDevices().data?.items ?? []).filter((device) => device.kind.includes("camera"));
  const today = format.day(new Date().toISOString(), useZone());
  const free = doors.find((door) => door.id === row.door)?.access_points.find((point) => point.side === row.side && point.device_id === null);
  const mine = known.find((point) => point.id === row.accessPoint) ?? free;
  const standing = mine ? mine.in_service_since ?? "" : today;
  const wide = { width: "100%" };
  const id = (what: string): string => `${row.point}-${what}`;
  const field = (what: string, label: string, control: ReactNode): ReactNode => <div className="dialog-field"><span id={id(what)}>{label}</span>{control}</div>;
  return (
    <fieldset className="sub-form">
      <legend>{t.pointOf(row.point)}</legend>
      {field("door", t.door, (
        <Select aria-labelledby={id("door")} style={wide} value={row.door} onChange={(door) => change({ ...row, door: door ?? null, accessPoint: null })} allowClear placeholder={t.noDoor}
          options={[{ value: NEW, label: t.newDoor }, ...doors.map((door) => ({ value: door.id, label: door.name }))]} />
      ))}
      {row.door === NEW ? (
        <>
          <label className="dialog-field"><span>{t.doorName}</span><Input value={row.name} onChange={(event) => change({ ...row, name: event.target.value })} placeholder={t.doorExample} /></label>
          {field("scope", t.scope, (
            <Select aria-labelledby={id("scope")} style={wide} value={row.scope} onChange={(scope) => change({ ...row, scope })}
              options={[{ value: "estate", label: t.scopes.estate }, { value: "block", label: t.scopes.block }]} />
          ))}
          {row.scope === "block" ? field("block", t.block, (
            <Select aria-labelledby={id("block")} style={wide} value={row.block} onChange={(block) => change({ ...row, block })} options={blocks.map((one) => ({ value: one.id, label: one.name }))} />
          )) : null}
        </>
      ) : null}
      {row.door ? (
        <div className="two">
          {field("side", t.side, (
            <Select aria-labelledby={id("side")} style={wide} value={row.side} disabled={row.accessPoint !== null} onChange={(side) => change({ ...row, side })}
              options={["in", "out"].map((value) => ({ value, label: words.side[value] }))} />
          ))}
          {field("camera", t.camera, (
            <Select aria-labelledby={id("camera")} style={wide} value={row.camera} onChange={(camera) => change({ ...row, camera: camera ?? null })} allowClear placeholder={t.noCamera}
              options={cameras.map((one) => ({ value: one.id, label: one.name }))} />
          ))}
        </div>
      ) : null}
      {row.door ? <ServiceDay label={t.since} value={row.since ?? standing} max={today} change={(since) => change({ ...row, since })} help={t.sinceHelp} /> : null}
      {row.accessPoint ? <Button size="small" type="link" onClick={() => change({ ...row, door: null, accessPoint: null, since: null })}>{t.letGo}</Button> : null}
    </fieldset>
  );
}
