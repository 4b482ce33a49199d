/** What the law asks of a door (without power, in a fire, the way out, why a face is read there), and since when people pass it. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Checkbox, Input, Select } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { components } from "../../api/schema";
import type { AccessPoint, Door } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useZone } from "../../session";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { ServiceDay } from "./ServiceDay";

export function DeclareDoor({ door }: { door: Door }): ReactNode {
  const { doors: t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" type="link" className="underlined" aria-label={`${t.declare}: ${door.name}`} onClick={() => setOpen(true)}>{t.declare}</Button>
      {open ? <Dialog door={door} close={() => setOpen(false)} /> : null}
    </>
  );
}

type Days = components["schemas"]["ServiceDaysIn"];

function daysOf(point: AccessPoint): Days {
  return { access_point_id: point.id, since: point.in_service_since, until: point.in_service_until };
}

function same(one: Days, other: Days): boolean {
  return one.since === other.since && one.until === other.until;
}

function Service({ point, days, change }: { point: AccessPoint; days: Days; change: (days: Days) => void }): ReactNode {
  const { doors: t } = useWords();
  const today = format.day(new Date().toISOString(), useZone());
  return (
    <fieldset className="sub-form">
      <legend>{point.name}</legend>
      <div className="two">
        <ServiceDay label={t.daySince} value={days.since ?? ""} max={today} change={(day) => change({ ...days, since: day || null })} />
        <ServiceDay label={t.dayUntil} value={days.until ?? ""} change={(day) => change({ ...days, until: day || null })} />
      </div>
    </fieldset>
  );
}

function Dialog({ door, close }: { door: Door; close: () => void }): ReactNode {
  const { doors: t, words } = useWords();
  const client = useQueryClient();
  const { message } = App.useApp();
  const [fail, setFail] = useState(door.fail_mode);
  const [egress, setEgress] = useState(door.egress);
  const [fire, setFire] = useState(door.fire_release);
  const [escape, setEscape] = useState(door.escape_route);
  const [necessity, setNecessity] = useState("");
  const [days, setDays] = useState(() => door.access_points.map(daysOf));
  const send = async (reason: string): Promise<void> => {
    const body = { fail_mode: fail, egress, fire_release: fire, escape_route: escape === door.escape_route ? null : escape, necessity: necessity.trim() || null, days: days.filter((one, n) => !same(one, daysOf(door.access_points[n]!))), reason };
    await call(`/doors/${encodeURIComponent(door.id)}`, { method: "PATCH", body });
    await client.invalidateQueries({ queryKey: ["doors"] }); // before it closes: opened again at once, it shows what was written
    close();
    void message.success(t.declared);
  };
  const pick = (id: string, label: string, list: Record<string, string>, value: string, change: (value: string) => void): ReactNode => (
    <div className="dialog-field"><span id={id}>{label}</span><Select aria-labelledby={id} style={{ width: "100%" }} value={value} onChange={change} options={Object.entries(list).map(([key, text]) => ({ value: key, label: text }))} /></div>
  );
  return (
    <ReasonDialog open title={t.declareTitle(door.name)} hint={t.declareHint} close={close} submit={send} ok={t.declare}>
      {pick("door-fail", t.failMode, words.failMode, fail, setFail)}
      {pick("door-egress", t.egress, words.egress, egress, setEgress)}
      {pick("door-fire", t.fireRelease, words.fireRelease, fire, setFire)}
      <p><Checkbox checked={escape} onChange={(event) => setEscape(event.target.checked)}>{t.escape}</Checkbox></p>
      {door.access_points.map((point, n) => (
        <Service key={point.id} point={point} days={days[n]!} change={(now) => setDays(days.map((one, m) => (m === n ? now : one)))} />
      ))}
      {door.access_points.length > 0 ? <p className="faint">{t.daysHelp}</p> : null}
      <label className="dialog-field"><span>{t.necessity}</span><Input.TextArea rows={2} maxLength={500} value={necessity} onChange={(event) => setNecessity(event.target.value)} /></label>
    </ReasonDialog>
  );
}
