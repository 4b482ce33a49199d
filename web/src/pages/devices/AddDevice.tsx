/** A new device: which edge, what kind, its settings. It is looked at first; nothing is written on it. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Modal, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import { ApiError, call } from "../../api/client";
import { useSummary } from "../../api/queries";
import type { Catalogue, DriverItem, FoundDeviceItem, FoundDeviceList } from "../../api/types";
import * as format from "../../format";
import { useLanguage, useTold, useWords, word } from "../../i18n";
import { useEstate, useSession, useZone } from "../../session";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { ConfigForm } from "./ConfigForm";
import { defaults, fieldsOf, filled, type Schema, type Values } from "./schema";

export function AddDevice(): ReactNode {
  const t = useWords().adding;
  const { may } = useSession();
  const [open, setOpen] = useState(false);
  if (!may("device.manage")) return null;
  return (
    <>
      <Button type="primary" onClick={() => setOpen(true)}>{t.add}</Button>
      {open ? <Dialog close={() => setOpen(false)} /> : null}
    </>
  );
}

/** Devices that edges see and nobody added: from here they are taken over, nothing is written before that. */
export function FoundDevices(): ReactNode {
  const { adding: t, words } = useWords();
  const told = useTold();
  const { may } = useSession();
  const estate = useEstate();
  const zone = useZone();
  const [taken, setTaken] = useState<FoundDeviceItem | null>(null);
  const found = useQuery({
    queryKey: ["found", estate.id], enabled: may("device.manage"), refetchInterval: 15_000,
    queryFn: () => call<FoundDeviceList>(`/estates/${encodeURIComponent(estate.id)}/found`),
  });
  const items = found.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Panel id="found-devices" title={t.found} live>
      <p className="faint">{t.foundHint}</p>
      <div className="table-scroll">
        <table className="plain">
          <thead><tr><th>{t.kind}</th><th>{t.name}</th><th>{t.foundWhere}</th><th>{t.edge}</th><th>{t.foundSince}</th><th /></tr></thead>
          <tbody>
            {items.map((one) => (
              <tr key={`${one.edge_id} ${one.key}`} data-testid="found-device">
                <td>{word(words.deviceKind, one.kind)}</td><td>{told(one.title, one.title_en)}</td><td>{told(one.detail, one.detail_en)}</td><td className="faint">{one.edge_name}</td>
                <td className="num">{format.clock(one.first_seen_at, zone)}</td>
                <td><Button size="small" onClick={() => setTaken(one)}>{t.takeOver}</Button></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {taken ? <Dialog close={() => setTaken(null)} found={taken} /> : null}
    </Panel>
  );
}

function useCatalogue(edge: string | null) {
  return useQuery({ queryKey: ["catalogue", edge], enabled: edge !== null, queryFn: () => call<Catalogue>(`/edges/${encodeURIComponent(edge ?? "")}/catalogue`) });
}

function Dialog({ close, found }: { close: () => void; found?: FoundDeviceItem }): ReactNode {
  const { adding: t, common } = useWords();
  const estate = useEstate();
  const client = useQueryClient();
  const navigate = useNavigate();
  const edges = useSummary().data?.edges ?? [];
  const [picked, setPicked] = useState<string | null>(found?.edge_id ?? null);
  const edge = picked ?? (edges.length === 1 ? (edges[0]?.id ?? null) : null);
  const catalogue = useCatalogue(edge);
  const [chosen, setDriver] = useState<DriverItem | null>(null);
  const driver = chosen ?? catalogue.data?.drivers.find((one) => one.kind === found?.kind) ?? null;
  const [name, setName] = useState(found?.title ?? "");
  const [code, setCode] = useState("");
  const [typed, setValues] = useState<Values | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const fields = driver ? fieldsOf(driver.config_schema as Schema) : [];
  const values = typed ?? { ...defaults(fields), ...(driver?.kind === found?.kind ? (found?.config as Values | undefined) : undefined) };

  function choose(driver: DriverItem | undefined): void {
    setDriver(driver ?? null);
    setValues(null);
  }
  async function send(): Promise<void> {
    if (!driver) return setProblem(t.kindNeeded);
    if (!name.trim() || !code.trim()) return setProblem(t.nameNeeded);
    setBusy(true);
    try {
      const body = { edge_id: edge, code: code.trim(), name: name.trim(), kind: driver.kind, config: filled(values) };
      const { id } = await call<{ id: string }>(`/estates/${encodeURIComponent(estate.id)}/devices`, { method: "POST", body });
      await client.invalidateQueries({ queryKey: ["devices", estate.id] });
      await client.invalidateQueries({ queryKey: ["found", estate.id] });
      close();
      void navigate(`/devices/${encodeURIComponent(id)}`);
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.add} onCancel={close} onOk={() => void send()} okText={t.addAndLook} cancelText={common.cancel} okButtonProps={{ loading: busy }} width={620}>
      <p className="reminder">{t.addHint}</p>
      {edges.length > 1 ? (
        <div className="dialog-field">
          <span id="add-edge">{t.edge}</span>
          <Select aria-labelledby="add-edge" style={{ width: "100%" }} value={edge} onChange={(id) => { setPicked(id); choose(undefined); }}
            options={edges.map((one) => ({ value: one.id, label: one.name }))} />
        </div>
      ) : null}
      {edge === null ? null : (
        <Answer query={catalogue} rows={2}>
          {({ drivers }) => drivers.length === 0 ? <Empty text={t.noCatalogue} /> : <KindChoice drivers={drivers} chosen={driver} choose={choose} />}
        </Answer>
      )}
      <label className="dialog-field"><span>{t.name}</span><Input value={name} onChange={(event) => setName(event.target.value)} placeholder={t.nameExample} /></label>
      <label className="dialog-field"><span>{t.code}</span><Input value={code} onChange={(event) => setCode(event.target.value)} placeholder="gate-west-1" /></label>
      <div className="faint" style={{ marginBottom: 12 }}>{t.codeHint}</div>
      <ConfigForm key={driver?.kind ?? ""} fields={fields} values={values} change={setValues} />
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

function KindChoice({ drivers, chosen, choose }: { drivers: DriverItem[]; chosen: DriverItem | null; choose: (driver: DriverItem | undefined) => void }): ReactNode {
  const { adding: t, words } = useWords();
  const { language } = useLanguage();
  return (
    <div className="dialog-field">
      <span id="add-kind">{t.kind}</span>
      <Select aria-labelledby="add-kind" style={{ width: "100%" }} value={chosen?.kind ?? null} onChange={(kind) => choose(drivers.find((one) => one.kind === kind))}
        options={drivers.map((one) => ({ value: one.kind, label: language === "zh" ? one.title : word(words.deviceKind, one.kind) }))} />
    </div>
  );
}
