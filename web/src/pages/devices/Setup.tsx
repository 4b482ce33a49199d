/** From found to in service: what stands on the device, which doors it controls, what becomes of what was there before. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Modal, Radio } from "antd";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import { ApiError, call } from "../../api/client";
import type { DeviceDetail, DeviceSetup } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { ConfigForm } from "./ConfigForm";
import { Mapping } from "./Mapping";
import { fieldsOf, filled, type Schema, type Values } from "./schema";

const CHOICES = ["keep", "adopt", "remove"] as const;
interface Asking { title: string; hint: string; body: Record<string, unknown>; method?: string; danger?: boolean }

export function Setup({ device }: { device: DeviceDetail }): ReactNode {
  const t = useWords().adding;
  const query = useQuery({ queryKey: ["device", device.id, "setup"], queryFn: () => call<DeviceSetup>(`/devices/${encodeURIComponent(device.id)}/setup`), refetchInterval: device.in_service ? 60_000 : 3_000 });
  return (
    <Panel id="setup" title={t.setup} extra={<ServiceMark inService={device.in_service} />}>
      <Answer query={query} rows={3}>{(setup) => <Steps device={device} setup={setup} />}</Answer>
    </Panel>
  );
}

export function ServiceMark({ inService }: { inService: boolean }): ReactNode {
  const t = useWords().adding;
  return inService ? <Mark tone="good">{t.inService}</Mark> : <Mark tone="warn">{t.notInService}</Mark>;
}

function useChanged(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await Promise.all(["device", "devices", "doors", "summary", "sync"].map((name) => client.invalidateQueries({ queryKey: [name] })));
  };
}

function Steps({ device, setup }: { device: DeviceDetail; setup: DeviceSetup }): ReactNode {
  const { adding: t, common, counter } = useWords();
  const { message } = App.useApp();
  const { may } = useSession();
  const navigate = useNavigate();
  const changed = useChanged();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [mapping, setMapping] = useState(false);
  const [editing, setEditing] = useState(false);
  const path = `/devices/${encodeURIComponent(device.id)}`;
  async function send(wanted: Asking, reason: string): Promise<void> {
    const answer = await call<{ held?: string } | undefined>(path, { method: wanted.method ?? "PATCH", body: { ...wanted.body, reason } });
    setAsking(null);
    if (answer?.held) void message.warning(counter.heldNow, 8);
    await changed();
    if (wanted.method === "DELETE") void navigate("/devices");
  }
  const keeper = may("device.manage");
  const service: Asking = setup.in_service
    ? { title: t.takeOut, hint: t.takeOutHint, body: { in_service: false }, danger: true }
    : { title: t.putIn, hint: t.putInHint, body: { in_service: true } };
  // Said while it matters: before service, while somebody foreign is there, or where a choice stands.
  const foreign = setup.driver?.capabilities["holds_list"] && (!setup.in_service || setup.foreign_choice !== "keep" || (setup.found?.foreign ?? 0) > 0);
  const needsDoor = setup.controls_doors && setup.points.length === 0;
  return (
    <>
      <ol className="steps">
        <li><h3>{t.step.look}</h3><Found device={device} setup={setup} /></li>
        {setup.controls_doors ? (
          <li>
            <h3>{t.step.doors}</h3>
            <p>{needsDoor ? <Mark tone="warn">{t.noDoorsYet}</Mark> : setup.points.map((point) => point.name).join(" · ")}</p>
            {keeper ? <Button onClick={() => setMapping(true)}>{t.mapDoors}</Button> : null}
          </li>
        ) : null}
        {foreign ? (
          <li><h3>{t.step.foreign}</h3><Foreign key={setup.foreign_choice} setup={setup} ask={keeper ? setAsking : null} /></li>
        ) : null}
        <li>
          <h3>{t.step.service}</h3>
          <p>{setup.in_service ? t.nowIn : t.nowOut}</p>
          {keeper ? (
            <div className="tools">
              <Button type={setup.in_service ? "default" : "primary"} danger={setup.in_service} disabled={!setup.in_service && needsDoor} onClick={() => setAsking(service)}>{service.title}</Button>
              <Button onClick={() => setEditing(true)} disabled={!setup.driver}>{t.edit}</Button>
              {setup.in_service ? null : <Button danger onClick={() => setAsking({ title: t.remove, hint: t.removeHint, body: {}, method: "DELETE", danger: true })}>{t.remove}</Button>}
            </div>
          ) : <p className="faint">{t.readOnly}</p>}
        </li>
      </ol>
      {asking ? <ReasonDialog open title={common.titled(asking.title, device.name)} hint={asking.hint} danger={asking.danger ?? false} close={() => setAsking(null)} submit={(reason) => send(asking, reason)} /> : null}
      {mapping ? <Mapping setup={setup} close={() => setMapping(false)} done={changed} /> : null}
      {editing ? <EditConfig setup={setup} close={() => setEditing(false)} done={changed} /> : null}
    </>
  );
}

/** In words: what the edge found, or why it could not look. */
function Found({ device, setup }: { device: DeviceDetail; setup: DeviceSetup }): ReactNode {
  const { adding: t } = useWords();
  const told = useTold();
  const zone = useZone();
  if (!device.edge_online) return <p><Mark tone="none">{t.edgeGone}</Mark></p>;
  const known = t.trouble.find(([pattern]) => pattern.test(device.detail))?.[1];
  if (device.condition === "offline" || device.condition === "fault") {
    return (
      <div role="status">
        <p><Mark tone="bad">{known ?? (device.condition === "offline" ? t.noAnswer : t.cannotWork)}</Mark></p>
        <p className="faint">{t.technical} <code>{told(device.detail_zh, device.detail_en)}</code></p>
      </div>
    );
  }
  const { found } = setup;
  if (!found) return <p role="status">{device.condition === "online" ? t.connected : t.looking}</p>;
  const at = found.read_back_at ?? found.reported_at;
  return (
    <p data-testid="found">
      {!setup.driver?.capabilities["holds_list"] ? <Mark tone="good">{t.connected}</Mark>
        : found.foreign ? <Mark tone={setup.foreign_choice === "adopt" ? "info" : "warn"}>{t.foreignFound(found.foreign)}</Mark> : <Mark tone="good">{t.foreignNone}</Mark>}
      {at ? <span className="faint"> {t.readAt(format.clock(at, zone))}</span> : null}
    </p>
  );
}

function Foreign({ setup, ask }: { setup: DeviceSetup; ask: ((asking: Asking) => void) | null }): ReactNode {
  const { adding: t } = useWords();
  const [choice, setChoice] = useState(setup.foreign_choice);
  const chosen = CHOICES.find((one) => one === choice) ?? "keep";
  return (
    <>
      <Radio.Group value={choice} onChange={(event) => setChoice(String(event.target.value))} disabled={!ask} aria-label={t.step.foreign}>
        {CHOICES.map((one) => <div key={one}><Radio value={one}><strong>{t.choice[one]}</strong> <span className="faint">{t.choiceHint[one]}</span></Radio></div>)}
      </Radio.Group>
      {ask ? (
        <div>
          <Button disabled={choice === setup.foreign_choice} danger={choice === "remove"}
            onClick={() => ask({ title: t.choice[chosen], hint: t.choiceHint[chosen], body: { foreign: choice }, danger: choice === "remove" })}>{t.decide}</Button>
        </div>
      ) : null}
    </>
  );
}

function EditConfig({ setup, close, done }: { setup: DeviceSetup; close: () => void; done: () => Promise<void> }): ReactNode {
  const { adding: t, common } = useWords();
  const { message } = App.useApp();
  const [values, setValues] = useState<Values>(setup.config);
  const [asking, setAsking] = useState(false);
  const fields = fieldsOf((setup.driver?.config_schema ?? {}) as Schema);
  const send = async (reason: string): Promise<void> => {
    try {
      await call(`/devices/${encodeURIComponent(setup.device_id)}`, { method: "PATCH", body: { config: filled(values), reason } });
    } catch (error) {
      if (error instanceof ApiError && error.status === 422) setAsking(false);
      if (error instanceof ApiError && error.status === 422) return void message.error(error.message, 8);
      throw error;
    }
    await done();
    close();
  };
  return (
    <>
      <Modal open={!asking} title={t.edit} onCancel={close} onOk={() => setAsking(true)} okText={t.next} cancelText={common.cancel} width={620}>
        <p>{t.secretHint}</p>
        <ConfigForm fields={fields} values={values} change={setValues} />
      </Modal>
      <ReasonDialog open={asking} title={t.edit} hint={t.editHint} close={() => setAsking(false)} submit={send} />
    </>
  );
}
