/** What the law asks of the devices whose records a case rests on, what is missing, and a form to add it. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, DatePicker, Input, Modal, Select } from "antd";
import dayjs from "dayjs";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useCasePapers } from "../../api/queries";
import type { DevicePapers } from "../../api/types";
import { named, useWords } from "../../i18n";
import { useSession } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

type Kinds = Record<string, string>;

export function Papers({ id }: { id: string }): ReactNode {
  const t = useWords().caseSteps.papers;
  return (
    <Panel id="papers" title={t.title}>
      <p className="faint">{t.hint}</p>
      <Answer query={useCasePapers(id)} empty={(answer) => answer.devices.length === 0} emptyText={t.none}>
        {({ devices, kinds }) => <>{devices.map((one) => <OneDevice key={one.device_id} device={one} kinds={kinds} caseId={id} />)}</>}
      </Answer>
    </Panel>
  );
}

function OneDevice({ device, kinds, caseId }: { device: DevicePapers; kinds: Kinds; caseId: string }): ReactNode {
  const t = useWords().caseSteps.papers;
  const { may } = useSession();
  const [adding, setAdding] = useState(false);
  const label = (kind: string): string => named(t.kinds, kind, kinds[kind] ?? kind);
  return (
    <div data-testid="device-papers" data-complete={device.complete}>
      <h3>{device.device_name} {device.complete ? <Mark tone="good">{t.complete}</Mark> : null}</h3>
      <ul className="rows">
        {device.missing.length ? <li><Mark tone="warn">{t.missing(device.missing.map(label).join(" · "))}</Mark></li> : null}
        {device.same_reviewer ? <li><Mark tone="warn">{t.same}</Mark></li> : null}
        {device.papers.map((one) => (
          <li key={one.id}>
            <strong>{label(one.kind)}</strong><span>{one.number}</span><span>{one.reviewer}</span><span className="num">{t.validity(one.valid_from, one.valid_until ?? t.openEnd)}</span>
            {one.file_name ? <a href={`/api/v1/device-papers/${encodeURIComponent(one.id)}/file`} download>{one.file_name}</a> : null}
          </li>
        ))}
      </ul>
      {may("case.decide") ? <Button size="small" onClick={() => setAdding(true)}>{t.add}</Button> : null}
      {adding ? <AddPaper device={device} kinds={kinds} caseId={caseId} close={() => setAdding(false)} /> : null}
    </div>
  );
}

interface Wanted { kind: string; number: string; from: string; until: string; note: string; file: File | null }

function AddPaper({ device, kinds, caseId, close }: { device: DevicePapers; kinds: Kinds; caseId: string; close: () => void }): ReactNode {
  const { caseSteps: { papers: t }, caseDetail, common } = useWords();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [wanted, setWanted] = useState<Wanted>({ kind: "", number: "", from: "", until: "", note: "", file: null });
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<Wanted>): void => setWanted((old) => ({ ...old, ...change }));

  async function send(): Promise<void> {
    if (!wanted.kind || !wanted.number.trim() || !wanted.from) return setProblem(t.needed);
    const form = new FormData();
    form.set("kind", wanted.kind);
    form.set("number", wanted.number.trim());
    form.set("valid_from", wanted.from);
    form.set("note", wanted.note.trim());
    if (wanted.until) form.set("valid_until", wanted.until);
    if (wanted.file) form.set("file", wanted.file);
    setBusy(true);
    try {
      await call(`/devices/${encodeURIComponent(device.device_id)}/papers`, { method: "POST", form });
      await Promise.all([["case-papers"], ["case", caseId]].map((queryKey) => client.invalidateQueries({ queryKey })));
      void message.success(t.saved);
      close();
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
    } finally {
      setBusy(false);
    }
  }
  const day = (id: string, label: string, value: string, change: (day: string) => void): ReactNode => (
    <div className="dialog-field">
      <span id={id}>{label}</span>
      <DatePicker aria-labelledby={id} style={{ width: "100%" }} value={value ? dayjs(value) : null} onChange={(picked) => change(picked ? picked.format("YYYY-MM-DD") : "")} />
    </div>
  );
  return (
    <Modal open title={t.addTitle(device.device_name)} onCancel={close} onOk={() => void send()} okText={caseDetail.submit} cancelText={common.cancel} okButtonProps={{ loading: busy }}>
      <div className="dialog-field">
        <span id="paper-kind">{t.kind}</span>
        <Select aria-labelledby="paper-kind" style={{ width: "100%" }} value={wanted.kind || null} onChange={(kind) => set({ kind })}
          options={Object.entries(kinds).map(([value, called]) => ({ value, label: named(t.kinds, value, called) }))} />
      </div>
      <label className="dialog-field"><span>{t.number}</span><Input maxLength={100} value={wanted.number} onChange={(event) => set({ number: event.target.value })} /></label>
      {day("paper-from", t.from, wanted.from, (from) => set({ from }))}
      {day("paper-until", `${t.until} (${t.openEnd})`, wanted.until, (until) => set({ until }))}
      <label className="dialog-field"><span>{t.note}</span><Input.TextArea rows={2} maxLength={1000} value={wanted.note} onChange={(event) => set({ note: event.target.value })} /></label>
      <label className="dialog-field"><span>{t.file}</span><input type="file" accept=".pdf,.png,.jpg,.jpeg" onChange={(event) => set({ file: event.target.files?.[0] ?? null })} /></label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}
