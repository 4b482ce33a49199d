/** The hub's clock jumped: nothing ends by date until two persons say that it is right. */

import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useHubClock } from "../../api/queries";
import * as format from "../../format";
import { useWords, word, useSaid } from "../../i18n";
import { useSession, useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

export function ClockPanel(): ReactNode {
  const said = useSaid();
  const { hubClock: t, words } = useWords();
  const { may, me } = useSession();
  const zone = useZone();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const clock = useHubClock().data;
  if (!clock?.problem) return null;
  const send = async (reason: string): Promise<void> => {
    await call("/clock/confirm", { method: "POST", body: { reason } });
    setAsking(false);
    await client.invalidateQueries({ queryKey: ["clock"] });
  };
  const mine = clock.asked_by === me?.name;
  return (
    <Panel id="hub-clock" title={t.title} extra={may("tenancy.manage") && !mine ? <Button size="small" danger onClick={() => setAsking(true)}>{t.confirm}</Button> : null}>
      <p><Mark tone="bad">{said("reason", "clock_jumped", clock.problem_zh)}</Mark></p>
      <p>{t.shows(format.dateTime(clock.now, zone))} · {t.believed(format.dateTime(clock.believed, zone))}{clock.asked_by ? ` · ${t.askedBy(clock.asked_by, format.clock(clock.asked_at, zone))}` : ""}</p>
      {clock.waiting.length ? (
        <>
          <h3>{t.waiting}</h3>
          <ul className="rows">{clock.waiting.slice(0, 100).map((one, index) => <li key={index}><strong>{word(words.endsByDate, one.kind)}</strong><span>{one.dwelling_code} {one.tenancy}</span><span className="faint">{format.minute(one.on, zone)}</span></li>)}</ul>
        </>
      ) : null}
      {asking ? <ReasonDialog open title={t.confirm} hint={t.hint(clock.waiting.length)} close={() => setAsking(false)} submit={send} danger /> : null}
    </Panel>
  );
}
