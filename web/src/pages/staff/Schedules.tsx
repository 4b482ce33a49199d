/** Hours of the day, for roles, passes and amenities. Never for the way home: gates, entrances and a dwelling's own door. */

import { Button, Checkbox, Input } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useSchedules } from "../../api/queries";
import type { DeskAnswer, Schedule } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords } from "../../i18n";
import { useEstate, useSession } from "../../session";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { useDeskDone } from "../passes/useDeskDone";

interface Range { weekdays: number[]; start: string; end: string }
const WORKDAYS = [1, 2, 3, 4, 5];
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

export function Schedules(): ReactNode {
  const told = useTold();
  const { staff: t } = useWords();
  const { may } = useSession();
  const [editing, setEditing] = useState<Schedule | "new" | null>(null);
  const keeper = may("access.desk");
  const c = t.scheduleColumns;
  return (
    <Panel id="schedules" title={t.schedules} extra={keeper ? <Button type="primary" size="small" onClick={() => setEditing("new")}>{t.newSchedule}</Button> : null}>
      <p className="faint">{t.scheduleHint}</p>
      <Answer query={useSchedules()} empty={(d) => d.items.length === 0} emptyText={t.schedulesEmpty}>
        {(d) => (
          <div className="table-scroll" tabIndex={0} role="group" aria-label={t.schedules}>
            <table className="plain">
              <thead><tr><th>{c.name}</th><th>{c.hours}</th><th>{c.uses}</th><th><span className="sr-only">{t.change}</span></th></tr></thead>
              <tbody>
                {d.items.map((one) => (
                  <tr key={one.id} data-testid="schedule">
                    <td><strong>{one.name}</strong></td><td>{told(one.text_zh, one.text_en)}</td><td className="num">{format.number(one.uses)}</td>
                    <td>{keeper ? <Button size="small" aria-label={`${t.change}: ${one.name}`} onClick={() => setEditing(one)}>{t.change}</Button> : null}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Answer>
      {editing ? <Edit schedule={editing === "new" ? null : editing} close={() => setEditing(null)} /> : null}
    </Panel>
  );
}

function Edit({ schedule, close }: { schedule: Schedule | null; close: () => void }): ReactNode {
  const { staff: t, adding } = useWords();
  const { id } = useEstate();
  const finished = useDeskDone();
  const [name, setName] = useState(schedule?.name ?? "");
  const [ranges, setRanges] = useState<Range[]>(() => schedule?.ranges.map((one) => ({ weekdays: one.weekdays, start: one.start.slice(0, 5), end: one.end.slice(0, 5) })) ?? [{ weekdays: WORKDAYS, start: "08:00", end: "18:00" }]);
  const change = (index: number, some: Partial<Range>): void => setRanges(ranges.map((one, n) => (n === index ? { ...one, ...some } : one)));
  const missing = (): string => (!name.trim() ? t.nameNeeded : ranges.some((one) => !one.weekdays.length || !TIME.test(one.start) || !TIME.test(one.end)) ? t.timesWrong : "");
  const send = async (reason: string): Promise<void> => {
    const body = { name: name.trim(), ranges, special_days: schedule?.special_days ?? [], reason };
    const answer = await (schedule ? call<DeskAnswer>(`/schedules/${encodeURIComponent(schedule.id)}`, { method: "PUT", body }) : call<DeskAnswer>(`/estates/${encodeURIComponent(id)}/schedules`, { method: "POST", body }));
    close();
    await finished(answer, t.scheduleSaved);
  };
  return (
    <ReasonDialog open title={schedule ? `${t.change}: ${schedule.name}` : t.newSchedule} hint={schedule ? t.changeHint(schedule.uses) : t.scheduleHint} close={close} submit={send} missing={missing}>
      <label className="dialog-field"><span>{t.scheduleColumns.name}</span><Input value={name} maxLength={40} onChange={(event) => setName(event.target.value)} /></label>
      {ranges.map((range, index) => (
        <fieldset key={index} className="sub-form">
          <legend>{adding.nth(index + 1)} {ranges.length > 1 ? <Button size="small" type="link" onClick={() => setRanges(ranges.filter((_, n) => n !== index))}>{adding.drop}</Button> : null}</legend>
          <Checkbox.Group aria-label={t.weekdays} value={range.weekdays} onChange={(days) => change(index, { weekdays: (days as number[]).toSorted() })} options={EVERY_DAY.map((day) => ({ value: day, label: t.days[day - 1] ?? "" }))} />
          <div className="pair" style={{ margin: "8px 0" }}>
            <label><span>{t.start}</span><Input value={range.start} placeholder="08:00" maxLength={5} onChange={(event) => change(index, { start: event.target.value })} /></label>
            <label><span>{t.endTime}</span><Input value={range.end} placeholder="18:00" maxLength={5} onChange={(event) => change(index, { end: event.target.value })} /></label>
          </div>
        </fieldset>
      ))}
      <p><Button size="small" onClick={() => setRanges([...ranges, { weekdays: EVERY_DAY, start: "08:00", end: "18:00" }])}>{adding.addRow}</Button> <span className="faint">{t.overMidnight}</span></p>
    </ReasonDialog>
  );
}
