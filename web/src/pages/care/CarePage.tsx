/** Care for who lives alone and asked for it: the calls to make, what was found, who is watched. Apart from leads and cases. */

import { useQueryClient } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useCare, useCareCandidates } from "../../api/queries";
import type { CareCall, CareWatch } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

const TONES: Record<string, "good" | "warn" | "bad"> = { fine: "good", ask: "bad", cannot_see: "warn", not_alone: "warn", unknown: "warn" };

const SAID = new Set(["fine", "away", "ask"]);

function useSend(): (path: string, body: Record<string, unknown>) => Promise<void> {
  const client = useQueryClient();
  return async (path, body) => {
    await call(path, { method: "POST", body });
    await Promise.all([["care"], ["care-candidates"]].map((queryKey) => client.invalidateQueries({ queryKey })));
  };
}

export function CarePage(): ReactNode {
  const { care: t } = useWords();
  const query = useCare();
  const unsaid = query.data?.watches.filter((one) => one.looked_at && !SAID.has(one.state)).length ?? 0;
  return (
    <>
      <h1>{t.title}</h1>
      <p className="reminder">{t.reminder}</p>
      <Panel id="care-calls" title={t.calls}>
        <Answer query={query} empty={(page) => page.calls.length === 0} emptyText={unsaid ? t.noCallsBut(unsaid) : t.noCalls}>
          {({ calls }) => <ul className="rows">{calls.map((one) => <Call key={one.id} one={one} />)}</ul>}
        </Answer>
      </Panel>
      <Panel id="care-watches" title={t.watches} extra={<Begin />}>
        <Answer query={query} empty={(page) => page.watches.length === 0} emptyText={t.noWatches}>
          {({ watches }) => <ul className="rows">{watches.map((one) => <Watch key={one.id} one={one} />)}</ul>}
        </Answer>
      </Panel>
    </>
  );
}

function Call({ one }: { one: CareCall }): ReactNode {
  const { care: t } = useWords();
  const zone = useZone();
  const send = useSend();
  const [open, setOpen] = useState(false);
  const [outcome, setOutcome] = useState("");
  return (
    <li data-testid="care-call">
      <strong>{one.block_name} {one.number}</strong>
      <span>{t.quietSince(format.dateTime(one.quiet_since, zone))}</span>
      <span>{one.contact ? t.contact(one.contact) : t.noContact}</span>
      <Button size="small" type="primary" onClick={() => setOpen(true)}>{t.answer}</Button>
      <ReasonDialog open={open} title={t.answerTitle(`${one.block_name} ${one.number}`)} hint={t.answerHint} close={() => setOpen(false)} missing={() => (outcome ? "" : t.outcomeMissing)}
        submit={async (note) => { await send(`/care-calls/${encodeURIComponent(one.id)}/answer`, { outcome, note }); setOpen(false); }}>
        <label>{t.outcome}
          <Select value={outcome || null} onChange={(value: string) => setOutcome(value)} style={{ width: "100%" }} aria-label={t.outcome}
            options={Object.entries(t.outcomes).map(([value, label]) => ({ value, label }))} />
        </label>
      </ReasonDialog>
    </li>
  );
}

function Watch({ one }: { one: CareWatch }): ReactNode {
  const { care: t } = useWords();
  const zone = useZone();
  const send = useSend();
  const [open, setOpen] = useState(false);
  return (
    <li data-testid="care-watch">
      <strong>{one.block_name} {one.number}</strong>
      <Mark tone={TONES[one.state] ?? "none"}>{word(t.states, one.state)}</Mark>
      <span>{t.every(one.hours)}</span>
      <span className="faint">{one.looked_at ? t.looked(format.dateTime(one.looked_at, zone)) : t.notLooked}</span>
      <Button size="small" onClick={() => setOpen(true)}>{t.end}</Button>
      <ReasonDialog open={open} title={t.endTitle(`${one.block_name} ${one.number}`)} hint={t.endHint} close={() => setOpen(false)}
        submit={async (said) => { await send(`/care-watches/${encodeURIComponent(one.id)}/end`, { said }); setOpen(false); }} />
    </li>
  );
}

function Begin(): ReactNode {
  const { care: t } = useWords();
  const send = useSend();
  const [open, setOpen] = useState(false);
  const candidates = useCareCandidates(open);
  const [chosen, setChosen] = useState("");
  const [hours, setHours] = useState(24);
  const [contact, setContact] = useState("");
  const items = candidates.data?.items ?? [];
  const one = items.find((item) => item.member_id === chosen);
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>{t.begin}</Button>
      <ReasonDialog open={open} title={t.begin} hint={t.beginHint} close={() => setOpen(false)} missing={() => (one ? "" : t.whoMissing)}
        submit={async (said) => {
          await send(`/dwellings/${encodeURIComponent(one?.dwelling_id ?? "")}/care-watches`, { member_id: chosen, hours, contact, said });
          setChosen("");
          setHours(24);
          setContact(""); // of this family, not of the next
          setOpen(false);
        }}>
        {candidates.isSuccess && items.length === 0 ? <Empty text={t.noCandidates} /> : null}
        <label>{t.who}
          <Select value={chosen || null} onChange={(value: string) => setChosen(value)} style={{ width: "100%" }} aria-label={t.who}
            options={items.map((item) => ({ value: item.member_id, label: `${item.block_name} ${item.number} ${item.name}` }))} />
        </label>
        <label>{t.hours}
          <Select value={hours} onChange={(value: number) => setHours(value)} style={{ width: "100%" }} aria-label={t.hours}
            options={[24, 12].map((value) => ({ value, label: t.every(value) }))} />
        </label>
        <label>{t.contactLabel}<Input value={contact} maxLength={200} onChange={(event) => setContact(event.target.value)} /></label>
      </ReasonDialog>
    </>
  );
}
