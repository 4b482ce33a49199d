/** Passes of the estate: who may come in without living here, until when, and on which devices it stands. */

import { Button, Drawer, Input, Segmented, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { usePasses } from "../../api/queries";
import type { PassItem } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useNow } from "../../now";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { IssuePass } from "./IssuePass";
import { KINDS, phaseOf } from "./kinds";
import { PassDetail } from "./PassDetail";

export function PassesPage(): ReactNode {
  const { passes: t } = useWords();
  const { may } = useSession();
  const [params, setParams] = useSearchParams();
  const state = params.get("state") === "all" ? "all" : "active";
  const query = usePasses(state);
  const chosen = query.data?.items.find((pass) => pass.id === params.get("pass"));
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(params);
    if (value) next.set(name, value);
    else next.delete(name);
    setParams(next, { replace: true });
  };
  const items = (query.data?.items ?? []).filter((pass) => matches(pass, params.get("kind") ?? "", params.get("q") ?? ""));
  return (
    <>
      <div className="page-head"><h1>{t.title}</h1>{may("access.desk") ? <IssuePass /> : null}</div>
      <Panel id="passes" title={t.list} live extra={<Filters params={params} set={set} state={state} />}>
        <Answer query={query} empty={() => items.length === 0} emptyText={query.data?.items.length ? t.noneFound : t.empty}>
          {() => <List items={items} open={(pass) => set("pass", pass.id)} />}
        </Answer>
      </Panel>
      <Drawer open={chosen !== undefined} onClose={() => set("pass", "")} title={chosen ? chosen.label : t.title} size={560} destroyOnHidden>
        {chosen ? <PassDetail pass={chosen} /> : null}
      </Drawer>
    </>
  );
}

function matches(pass: PassItem, kind: string, text: string): boolean {
  if (kind && pass.kind !== kind) return false;
  const told = [pass.label, pass.visitor, pass.dwelling_code, pass.repair_order, pass.number, pass.issued_by].join(" ").toLowerCase();
  return told.includes(text.trim().toLowerCase());
}

function Filters({ params, set, state }: { params: URLSearchParams; set: (name: string, value: string) => void; state: string }): ReactNode {
  const { passes: t, words } = useWords();
  const [text, setText] = useState(params.get("q") ?? "");
  return (
    <>
      <Segmented size="small" aria-label={t.which} value={state} onChange={(value) => set("state", value === "all" ? "all" : "")} options={[{ value: "active", label: t.activeOnly }, { value: "all", label: t.withEnded }]} />
      <Select size="small" aria-label={t.kind} placeholder={t.kind} allowClear style={{ width: 120 }} value={params.get("kind")} onChange={(value?: string) => set("kind", value ?? "")}
        options={KINDS.map((value) => ({ value, label: words.passKind[value] }))} />
      <Input.Search size="small" aria-label={t.search} placeholder={t.search} allowClear style={{ width: 220 }} value={text} onChange={(event) => { setText(event.target.value); set("q", event.target.value); }} />
    </>
  );
}

function List({ items, open }: { items: PassItem[]; open: (pass: PassItem) => void }): ReactNode {
  const { passes: t } = useWords();
  const c = t.columns;
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={t.list}>
      <table className="plain cards">
        <thead><tr><th>{c.kind}</th><th>{c.who}</th><th>{c.doors}</th><th>{c.valid}</th><th>{c.way}</th><th>{c.used}</th><th>{c.devices}</th><th><span className="sr-only">{t.open}</span></th></tr></thead>
        <tbody>{items.map((pass) => <Row key={pass.id} pass={pass} open={() => open(pass)} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ pass, open }: { pass: PassItem; open: () => void }): ReactNode {
  const { passes: t, words, onDevices } = useWords();
  const zone = useZone();
  const phase = phaseOf(pass, useNow(30_000));
  const confirmed = pass.devices.filter((device) => device.state === "confirmed").length;
  return (
    <tr data-testid="pass-row" data-phase={phase}>
      <td>{word(words.passKind, pass.kind)}<div><StateMark state={phase} words={words.passPhase} /></div></td>
      <td>{pass.visitor || <span className="faint">{t.unnamed}</span>}<div className="faint">{pass.dwelling_code ?? t.noHost}{pass.repair_order ? ` · ${pass.repair_order}` : ""}</div></td>
      <td>{pass.doors.map((door) => door.name).join(t.comma) || format.NONE}</td>
      <td className="num">{format.minute(pass.valid_from, zone)}<br />{t.until(format.minute(pass.valid_to, zone))}</td>
      <td>{word(words.way, pass.identifier)}<div className="faint num">{pass.number}</div></td>
      <td className="num">{pass.uses ? t.usedOf(pass.used, pass.uses) : t.usedTimes(pass.used)}</td>
      <td>
        {pass.devices.length === 0 ? <Mark tone="none">{pass.state === "active" ? t.notYet : t.gone}</Mark>
          : pass.state === "active" ? <Mark tone={confirmed === pass.devices.length ? "good" : "warn"}>{onDevices.short(confirmed, pass.devices.length)}</Mark>
          : <Mark tone="warn">{t.goingFrom(pass.devices.length)}</Mark>}
      </td>
      <td><Button size="small" onClick={open}>{t.open}</Button></td>
    </tr>
  );
}
