/** Personal data in full for 60 seconds, for a stated reason, with who looks written across it. */

import { Button, Input, Modal, Select, Watermark } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, call } from "../../api/client";
import type { Revealed } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useSession, useZone } from "../../session";

export function Reveal({ dwellingId }: { dwellingId: string }): ReactNode {
  const t = useWords().dwelling;
  const { may } = useSession();
  const [asking, setAsking] = useState(false);
  const [shown, setShown] = useState<{ data: Revealed; until: number } | null>(null);
  if (!may("person.reveal")) return null;
  return shown ? <Shown key={shown.until} {...shown} hide={() => setShown(null)} /> : (
    <p>
      <Button size="small" onClick={() => setAsking(true)} data-testid="reveal">{t.reveal}</Button>
      <Ask open={asking} dwellingId={dwellingId} close={() => setAsking(false)} done={(data) => {
        setAsking(false);
        setShown({ data, until: Math.min(Date.now() + 60_000, Math.max(Date.parse(data.expires_at), Date.now() + 5_000)) });
      }} />
    </p>
  );
}

function Ask({ open, dwellingId, close, done }: { open: boolean; dwellingId: string; close: () => void; done: (data: Revealed) => void }): ReactNode {
  const { dwelling: t, common } = useWords();
  const [code, setCode] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const [error, setError] = useState("");
  const ready = code !== null && reason.trim().length >= 4;
  async function submit(): Promise<void> {
    try {
      done(await call<Revealed>("/reveals", { method: "POST", body: { dwelling_id: dwellingId, reason_code: code, reason: reason.trim() } }));
      setReason("");
      setError("");
    } catch (failure) {
      setError(failure instanceof ApiError && failure.message ? failure.message : t.revealFailed);
    }
  }
  return (
    <Modal open={open} title={t.revealTitle} onCancel={close} onOk={() => void submit()} okText={t.reveal} cancelText={common.cancel} okButtonProps={{ disabled: !ready }}>
      <p>{t.revealHint}</p>
      <div className="dialog-field">
        <span id="reveal-code">{t.revealReason}</span>
        <Select aria-labelledby="reveal-code" style={{ width: "100%" }} value={code} onChange={setCode}
          options={Object.entries(t.revealCodes).map(([value, label]) => ({ value, label }))} />
      </div>
      <label className="dialog-field">
        <span>{common.reason}</span>
        <Input.TextArea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={common.reasonPlaceholder} />
      </label>
      {error ? <p role="alert" className="bad-note">{error}</p> : null}
    </Modal>
  );
}

function Shown({ data, until, hide }: { data: Revealed; until: number; hide: () => void }): ReactNode {
  const t = useWords().dwelling;
  const { me } = useSession();
  const zone = useZone();
  const [left, setLeft] = useState(() => Math.ceil((until - Date.now()) / 1000));
  const [seenAt] = useState(() => new Date().toISOString());
  useEffect(() => {
    const timer = setInterval(() => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds <= 0) hide();
      else setLeft(seconds);
    }, 250);
    return () => clearInterval(timer);
  }, [until, hide]);
  return (
    <Watermark content={[me?.display_name ?? "", format.dateTime(seenAt, zone)]} font={{ fontSize: 13, color: "rgba(0,0,0,.13)" }} gap={[40, 40]}>
      <div className="reveal" data-testid="revealed">
        <div className="tools"><strong role="timer">{t.revealed(left)}</strong><Button size="small" onClick={hide}>{t.hideNow}</Button></div>
        <ul className="rows">
          {data.household.map((person) => (
            <li key={person.member_id}>
              <strong>{person.name}</strong>
              <span>{t.birth} {person.birth_date ?? format.NONE}</span>
              <span>{t.cards} {person.cards.join(", ") || format.NONE}</span>
            </li>
          ))}
        </ul>
      </div>
    </Watermark>
  );
}
