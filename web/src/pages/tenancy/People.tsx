/** Two records that may be of one human being: shown side by side, made one only by two persons, and taken apart again. */

import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { useLinkedPersons, usePersonCandidates } from "../../api/queries";
import type { PersonPair, PersonRecord } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useSession } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

type Word = "same" | "confirm" | "refuse" | "split";

export function People(): ReactNode {
  const { people: t } = useWords();
  const { may } = useSession();
  const client = useQueryClient();
  const [asking, setAsking] = useState<{ pair: PersonPair; word: Word } | null>(null);
  const send = async (reason: string): Promise<void> => {
    if (!asking) return;
    const { pair, word: said } = asking;
    const [kept, other] = pair.records;
    if (said === "same") await call("/tenancy/people/same", { method: "POST", body: { kept: kept?.person, other: other?.person, reason } });
    else await call(`/tenancy/people/same/${encodeURIComponent(pair.link)}/${said}`, { method: "POST", body: { reason } });
    setAsking(null);
    await Promise.all(["people-candidates", "people-linked"].map((name) => client.invalidateQueries({ queryKey: [name] })));
  };
  const ask = may("tenancy.manage") ? (pair: PersonPair, said: Word) => setAsking({ pair, word: said }) : null;
  return (
    <>
      <Panel id="people-twice" title={t.title}>
        <p className="faint">{t.hint}</p>
        <Answer query={usePersonCandidates()} rows={2} empty={(d) => d.items.length === 0} emptyText={t.empty}>
          {(d) => d.items.map((pair) => <Pair key={pair.records.map((one) => one.person).join()} pair={pair} ask={ask} />)}
        </Answer>
      </Panel>
      <Linked ask={ask} />
      {asking ? <ReasonDialog open title={t.words[asking.word]} hint={t.hints[asking.word]} close={() => setAsking(null)} submit={send} danger={asking.word === "split"} /> : null}
    </>
  );
}

interface PairProps { pair: PersonPair; ask: ((pair: PersonPair, said: Word) => void) | null }

function Pair({ pair, ask }: PairProps): ReactNode {
  const { people: t, words } = useWords();
  const { me } = useSession();
  const mine = pair.asked_by === me?.name;
  return (
    <article className="member" data-testid="person-pair" data-state={pair.state} aria-label={t.pair}>
      <div className="member-head">
        <Mark tone="warn">{word(words.sameBy, pair.by)}</Mark>
        {pair.state === "asked" ? <span>{t.askedBy(pair.asked_by)}</span> : null}
        {ask ? (
          <span className="tools">
            {pair.state === "" ? <Button size="small" onClick={() => ask(pair, "same")}>{t.words.same}</Button> : null}
            {pair.state === "asked" && !mine ? <Button size="small" type="primary" onClick={() => ask(pair, "confirm")}>{t.words.confirm}</Button> : null}
            {pair.state === "asked" && !mine ? <Button size="small" onClick={() => ask(pair, "refuse")}>{t.words.refuse}</Button> : null}
            {pair.state === "asked" && mine ? <Mark tone="info">{t.yours}</Mark> : null}
            {pair.state === "linked" ? <Button size="small" danger onClick={() => ask(pair, "split")}>{t.words.split}</Button> : null}
          </span>
        ) : null}
      </div>
      <div className="two">{pair.records.map((record) => <Record key={record.person} record={record} />)}</div>
    </article>
  );
}

function Record({ record }: { record: PersonRecord }): ReactNode {
  const { people: t, dwelling: d, words } = useWords();
  return (
    <dl className="facts one">
      <div><dt>{t.name}</dt><dd><strong>{record.name}</strong></dd></div>
      <div><dt>{d.idNumber}</dt><dd>{record.id_number || format.NONE}</dd></div>
      <div><dt>{t.born}</dt><dd>{record.birth_year ?? format.NONE}</dd></div>
      <div><dt>{t.source}</dt><dd>{record.source} · {record.number}</dd></div>
      <div><dt>{d.consents}</dt><dd>{record.consents.map((purpose) => d.consent[purpose] ?? purpose).join(t.comma) || d.notGiven}</dd></div>
      {record.memberships.map((one) => <div key={one.tenancy + one.relation}><dt>{t.household}</dt><dd>{one.dwelling_code} · {one.tenancy} · {word(words.relation, one.relation)}{one.cards.length ? ` · ${one.cards.join(t.comma)}` : ""}</dd></div>)}
    </dl>
  );
}

function Linked({ ask }: { ask: PairProps["ask"] }): ReactNode {
  const { people: t } = useWords();
  const query = useLinkedPersons();
  if (!query.data?.items.length) return null;
  return <Panel id="people-linked" title={t.linked}>{query.data.items.map((pair) => <Pair key={pair.link} pair={pair} ask={ask} />)}</Panel>;
}
