/** Roles: which doors, at what hours. A role opens nothing until somebody has it, and never a dwelling's door. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Checkbox, Input, Radio, Select } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useBlocks, useDoors, useRoles, useSchedules } from "../../api/queries";
import type { Role } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useEstate, useSession } from "../../session";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

const SCOPES = ["estate", "block", "amenity"] as const;

export function Roles(): ReactNode {
  const { staff: t } = useWords();
  const { may } = useSession();
  const [adding, setAdding] = useState(false);
  const c = t.roleColumns;
  return (
    <Panel id="roles" title={t.roles} extra={may("access.desk") ? <Button type="primary" size="small" onClick={() => setAdding(true)}>{t.newRole}</Button> : null}>
      <Answer query={useRoles()} empty={(d) => d.items.length === 0} emptyText={t.rolesEmpty}>
        {(d) => (
          <div className="table-scroll" tabIndex={0} role="group" aria-label={t.roles}>
            <table className="plain">
              <thead><tr><th>{c.name}</th><th>{c.kind}</th><th>{c.doors}</th><th>{c.hours}</th><th>{c.holders}</th><th><span className="sr-only">{t.retire}</span></th></tr></thead>
              <tbody>{d.items.map((role) => <Row key={role.id} role={role} />)}</tbody>
            </table>
          </div>
        )}
      </Answer>
      {adding ? <NewRole close={() => setAdding(false)} /> : null}
    </Panel>
  );
}

function Row({ role }: { role: Role }): ReactNode {
  const told = useTold();
  const { staff: t, words, passes } = useWords();
  const { may } = useSession();
  const client = useQueryClient();
  const [retiring, setRetiring] = useState(false);
  const doors = useDoors().data?.items ?? [];
  const blocks = useBlocks().data?.blocks ?? [];
  const nameOf = <T extends { id: string; name: string }>(list: T[], id: string): string => list.find((one) => one.id === id)?.name ?? id;
  const where = [
    ...role.scopes.map((scope) => word(words.doorScope, scope) + (scope !== "estate" && role.blocks.length ? ` (${role.blocks.map((id) => nameOf(blocks, id)).join(passes.comma)})` : "")),
    ...role.doors.map((id) => nameOf(doors, id)),
  ].join(passes.comma);
  const retire = async (reason: string): Promise<void> => {
    await call(`/roles/${encodeURIComponent(role.id)}`, { method: "DELETE", body: { reason } });
    setRetiring(false);
    await client.invalidateQueries({ queryKey: ["roles"] });
  };
  return (
    <tr data-testid="role">
      <td><strong>{role.name}</strong><div className="faint">{role.organisation}</div></td>
      <td>{word(words.holderClass, role.holder_class)}</td><td>{where}</td><td>{told(role.hours, role.hours_en) || t.always}</td><td className="num">{format.number(role.holders)}</td>
      <td>{may("access.desk") && role.holders === 0 ? <Button size="small" aria-label={`${t.retire}: ${role.name}`} onClick={() => setRetiring(true)}>{t.retire}</Button> : null}
        {retiring ? <ReasonDialog open title={`${t.retire}: ${role.name}`} hint={t.retireHint} close={() => setRetiring(false)} submit={retire} /> : null}</td>
    </tr>
  );
}

function NewRole({ close }: { close: () => void }): ReactNode {
  const { staff: t, words } = useWords();
  const { id } = useEstate();
  const client = useQueryClient();
  const { message } = App.useApp();
  const blocks = useBlocks().data?.blocks ?? [];
  const doors = (useDoors().data?.items ?? []).filter((door) => door.scope !== "dwelling");
  const hours = useSchedules().data?.items ?? [];
  const [name, setName] = useState("");
  const [firm, setFirm] = useState("");
  const [kind, setKind] = useState("staff");
  const [scopes, setScopes] = useState<string[]>(["estate", "block"]);
  const [only, setOnly] = useState<string[]>([]);
  const [further, setFurther] = useState<string[]>([]);
  const [schedule, setSchedule] = useState<string | null>(null);
  const send = async (reason: string): Promise<void> => {
    const body = { name: name.trim(), organisation: firm.trim(), holder_class: kind, scopes, blocks: only, doors: further, schedule_id: schedule, reason };
    await call(`/estates/${encodeURIComponent(id)}/roles`, { method: "POST", body });
    close();
    void message.success(t.roleMade);
    await client.invalidateQueries({ queryKey: ["roles"] });
  };
  return (
    <ReasonDialog open title={t.newRole} hint={t.newRoleHint} close={close} submit={send} ok={t.newRole} missing={() => (!name.trim() ? t.nameNeeded : !scopes.length && !further.length ? t.doorsNeeded : "")}>
      <div className="pair">
        <label className="dialog-field"><span>{t.roleName}</span><Input value={name} maxLength={40} onChange={(event) => setName(event.target.value)} /></label>
        <label className="dialog-field"><span>{t.organisation}</span><Input value={firm} maxLength={60} onChange={(event) => setFirm(event.target.value)} /></label>
      </div>
      <div className="dialog-field"><span id="role-kind">{t.roleColumns.kind}</span>
        <Radio.Group aria-labelledby="role-kind" value={kind} onChange={(event) => setKind(String(event.target.value))} options={["staff", "contractor"].map((value) => ({ value, label: words.holderClass[value] }))} /></div>
      <div className="dialog-field"><span id="role-scopes">{t.roleColumns.doors}</span>
        <Checkbox.Group aria-labelledby="role-scopes" value={scopes} onChange={(chosen) => setScopes(chosen as string[])} options={SCOPES.map((value) => ({ value, label: words.doorScope[value] }))} /></div>
      <div className="dialog-field"><Select aria-label={t.onlyBlocks} mode="multiple" style={{ width: "100%" }} placeholder={t.onlyBlocks} value={only} onChange={setOnly} options={blocks.map((block) => ({ value: block.id, label: block.name }))} /></div>
      <div className="dialog-field"><Select aria-label={t.furtherDoors} mode="multiple" style={{ width: "100%" }} placeholder={t.furtherDoors} value={further} onChange={setFurther} options={doors.map((door) => ({ value: door.id, label: door.name }))} /></div>
      <div className="dialog-field"><Select aria-label={t.roleColumns.hours} allowClear style={{ width: "100%" }} placeholder={t.always} value={schedule} onChange={(one?: string) => setSchedule(one ?? null)} options={hours.map((one) => ({ value: one.id, label: one.name }))} /></div>
    </ReasonDialog>
  );
}
