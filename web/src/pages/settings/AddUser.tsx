/** A new user: by a link that is handed over, or with a first password. */

import { useQueryClient } from "@tanstack/react-query";
import { Button, Input, Modal, Radio, Select } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useWords } from "../../i18n";
import { useSession } from "../../session";

const ROLES = ["estate_manager", "housing_official", "care_worker", "auditor", "administrator"];

export function AddUser({ linked }: { linked: (id: string, name: string) => void }): ReactNode {
  const t = useWords().settings;
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button type="primary" size="small" onClick={() => setOpen(true)}>{t.addUser}</Button>
      {open ? <Dialog close={() => setOpen(false)} linked={linked} /> : null}
    </>
  );
}

function Dialog({ close, linked }: { close: () => void; linked: (id: string, name: string) => void }): ReactNode {
  const { settings: t, words, common } = useWords();
  const { me } = useSession();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const [role, setRole] = useState<string | null>(null);
  const [estates, setEstates] = useState<string[]>([]);
  const [byLink, setByLink] = useState(true);
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  async function send(): Promise<void> {
    if (!name.trim() || !role) return setProblem(t.roleNeeded);
    if (!byLink && password.length < 10) return setProblem(t.passwordHint);
    setBusy(true);
    try {
      const body = { name: name.trim(), display_name: shown.trim(), role, estates, password: byLink ? null : password };
      const { id } = await call<{ id: string }>("/admin/users", { method: "POST", body });
      await client.invalidateQueries({ queryKey: ["users"] });
      close(); // the user is there, whatever becomes of the link: the list says it and makes another
      if (byLink) linked(id, name.trim());
    } catch (error) {
      setBusy(false);
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
    }
  }
  return (
    <Modal open title={t.addUser} onCancel={close} onOk={() => void send()} okText={t.addUser} cancelText={common.cancel} okButtonProps={{ loading: busy }}>
      <label className="dialog-field"><span>{t.userName}</span><Input value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} /></label>
      <label className="dialog-field"><span>{t.displayName}</span><Input value={shown} autoComplete="off" onChange={(event) => setShown(event.target.value)} /></label>
      <div className="dialog-field">
        <span id="user-role">{t.rolePick}</span>
        <Select aria-labelledby="user-role" style={{ width: "100%" }} value={role} onChange={setRole} options={ROLES.map((value) => ({ value, label: words.role[value] }))} />
      </div>
      <div className="dialog-field">
        <span id="user-estates">{t.estatesPick}</span>
        <Select aria-labelledby="user-estates" mode="multiple" style={{ width: "100%" }} value={estates} onChange={setEstates} options={(me?.estates ?? []).map((one) => ({ value: one.id, label: one.name }))} />
        <div className="faint">{t.estatesHint}</div>
      </div>
      <div className="dialog-field">
        <span id="user-way">{t.way}</span>
        <Radio.Group aria-labelledby="user-way" value={byLink} onChange={(event) => setByLink(event.target.value === true)}>
          <Radio value={true}>{t.byLink}</Radio><Radio value={false}>{t.byPassword}</Radio>
        </Radio.Group>
      </div>
      {byLink ? null : (
        <label className="dialog-field"><span>{t.byPassword}</span><Input.Password value={password} autoComplete="new-password" visibilityToggle={false} onChange={(event) => setPassword(event.target.value)} placeholder={t.passwordHint} /></label>
      )}
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}
