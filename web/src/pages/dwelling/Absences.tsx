/** Declared absences: told at the counter, with no document asked; ended when they are back. */

import { useQueryClient } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { Dwelling } from "../../api/types";
import { useWords, word } from "../../i18n";
import { useSession } from "../../session";
import { Empty, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

export function Absences({ dwelling }: { dwelling: Dwelling }): ReactNode {
  const { dwelling: t, words } = useWords();
  const { may } = useSession();
  const client = useQueryClient();
  const [declaring, setDeclaring] = useState(false);
  const [ending, setEnding] = useState<string | null>(null);
  const [first, setFirst] = useState("");
  const [last, setLast] = useState("");
  const [reason, setReason] = useState("");
  const mine = may("absence.declare");
  async function send(path: string, body: Record<string, unknown>): Promise<void> {
    await call(path, { method: "POST", body });
    await client.invalidateQueries({ queryKey: ["dwelling", dwelling.id] });
    setDeclaring(false);
    setEnding(null);
  }
  return (
    <Panel id="absences" title={t.absences} extra={mine ? <Button size="small" onClick={() => setDeclaring(true)}>{t.declareAbsence}</Button> : null}>
      {dwelling.absences.length === 0 ? <Empty text={t.absenceEmpty} /> : (
        <ul className="rows">
          {dwelling.absences.map((absence) => (
            <li key={absence.id}>
              <strong>{t.absence(absence.from_date, absence.to_date ?? t.absenceOpen)}</strong>{word(words.absence, absence.reason)}
              <span className="faint">{t.declared(absence.declared_on)}</span>
              {mine && absence.id.startsWith("desk:") ? <Button size="small" onClick={() => setEnding(absence.id)}>{t.absenceBack}</Button> : null}
            </li>
          ))}
        </ul>
      )}
      <ReasonDialog open={declaring} title={t.declareAbsence} hint={t.declareHint} close={() => setDeclaring(false)}
        missing={() => (first && reason ? "" : t.absenceMissing)}
        submit={(said) => send(`/dwellings/${encodeURIComponent(dwelling.id)}/absences`, { from_date: first, to_date: last || null, reason, said })}>
        <label>{t.absenceFirst}<Input type="date" value={first} onChange={(e) => setFirst(e.target.value)} /></label>
        <label>{t.absenceLast}<Input type="date" value={last} onChange={(e) => setLast(e.target.value)} /></label>
        <label>{t.absenceReason}
          <Select value={reason || null} onChange={(value: string) => setReason(value)} style={{ width: "100%" }} aria-label={t.absenceReason}
            options={Object.entries(words.absence).map(([value, label]) => ({ value, label }))} />
        </label>
      </ReasonDialog>
      <ReasonDialog open={ending !== null} title={t.absenceBack} hint={t.absenceBackHint} close={() => setEnding(null)}
        submit={(said) => send(`/absences/${encodeURIComponent(ending ?? "")}/end`, { said })} />
    </Panel>
  );
}
