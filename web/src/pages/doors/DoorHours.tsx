/** When an amenity is open to residents: always, or by one of the estate's schedules. */

import { Button, Select } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useSchedules } from "../../api/queries";
import type { DeskAnswer, Door } from "../../api/types";
import { useTold, useWords } from "../../i18n";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { useDeskDone } from "../passes/useDeskDone";

export function DoorHours({ door }: { door: Door }): ReactNode {
  const { doors: t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" type="link" className="underlined" aria-label={`${t.hours}: ${door.name}`} onClick={() => setOpen(true)}>{t.hours}</Button>
      {open ? <Dialog door={door} close={() => setOpen(false)} /> : null}
    </>
  );
}

const ALWAYS = "";

function Dialog({ door, close }: { door: Door; close: () => void }): ReactNode {
  const told = useTold();
  const { doors: t } = useWords();
  const schedules = useSchedules().data?.items ?? [];
  const finished = useDeskDone();
  const [wanted, setWanted] = useState(door.schedule_id ?? ALWAYS);
  const send = async (reason: string): Promise<void> => {
    const answer = await call<DeskAnswer>(`/doors/${encodeURIComponent(door.id)}/schedule`, { method: "PUT", body: { schedule_id: wanted || null, reason } });
    close();
    await finished(answer, t.hoursSaved);
  };
  const options = [{ value: ALWAYS, label: t.hoursAlways }, ...schedules.map((one) => ({ value: one.id, label: `${one.name} ${told(one.text_zh, one.text_en)}` }))];
  return (
    <ReasonDialog open title={t.hoursTitle(door.name)} hint={t.hoursHint} close={close} submit={send}>
      <div className="dialog-field"><span id="door-hours">{t.hours}</span><Select aria-labelledby="door-hours" style={{ width: "100%" }} value={wanted} onChange={setWanted} options={options} /></div>
    </ReasonDialog>
  );
}
