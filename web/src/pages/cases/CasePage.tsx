/** One lead: why it exists, what speaks against it, what people made of it. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { useCase, useCases } from "../../api/queries";
import type { CaseDetail } from "../../api/types";
import * as format from "../../format";
import { named, useTold, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { useKeys } from "../../ui/useKeys";
import { DecisionPanel } from "./DecisionPanel";
import { EvidencePack } from "./EvidencePack";
import { Against, Reasons } from "./Findings";
import { Papers } from "./Papers";
import { Clocks, Screening } from "./Standing";

export function CasePage(): ReactNode {
  const { id = "" } = useParams();
  return <Answer page query={useCase(id)} rows={14}>{(detail) => <Page detail={detail} key={id} />}</Answer>;
}

/** The neighbours of a case in the list it was opened from. */
function useNeighbours(id: string): { previous: string | null; next: string | null; search: string } {
  const [params] = useSearchParams();
  const items = useCases(Object.fromEntries(params)).data?.items ?? [];
  const at = items.findIndex((item) => item.id === id);
  return { previous: items[at - 1]?.id ?? null, next: at < 0 ? null : (items[at + 1]?.id ?? null), search: params.toString() };
}

function Page({ detail }: { detail: CaseDetail }): ReactNode {
  const { caseDetail: t, caseSteps, cases, words } = useWords();
  const navigate = useNavigate();
  const { previous, next, search } = useNeighbours(detail.id);
  const [action, setAction] = useState<string | null>(null);
  const go = (id: string | null): void => {
    if (id) void navigate(`/cases/${encodeURIComponent(id)}${search ? `?${search}` : ""}`);
  };
  const opens = (name: string) => () => {
    if (detail.actions.some((one) => one.action === name && !one.blocked)) setAction(name);
  };
  useKeys({ j: () => go(next), k: () => go(previous), 1: opens("dismiss"), 2: opens("recheck"), 3: opens("good_cause") });
  return (
    <>
      <div className="page-head">
        <h1>{detail.number} · {word(words.caseKind, detail.kind, detail.kind_zh)}</h1>
        <StateMark state={detail.stage} words={words.stage} />
        <span data-testid="case-state" data-state={detail.state}>{word(words.caseState, detail.state, detail.state_zh)}</span>
        <span>{detail.block_name} {detail.dwelling_number} <Link to={`/dwellings/${encodeURIComponent(detail.dwelling_id)}`}>{t.dwelling}</Link></span>
        <span className="tools" style={{ marginLeft: "auto" }}>
          <Button size="small" disabled={!previous} onClick={() => go(previous)}>{t.previous}</Button>
          <Button size="small" disabled={!next} onClick={() => go(next)}>{t.next}</Button>
        </span>
      </div>
      <p className="reminder">{cases.reminder}</p>
      {detail.log_holds ? null : <p role="alert" className="bad-note">{caseSteps.steps.broken}</p>}
      <div className="two">
        <div><Reasons finding={detail.finding} /><Timeline detail={detail} /></div>
        <div><Against finding={detail.finding} /><Clocks detail={detail} /><Screening detail={detail} /><DecisionPanel detail={detail} action={action} choose={setAction} /><EvidencePack id={detail.id} /><Papers id={detail.id} /><Delivery detail={detail} /></div>
      </div>
    </>
  );
}

function Timeline({ detail }: { detail: CaseDetail }): ReactNode {
  const { caseDetail: t, caseSteps } = useWords();
  const zone = useZone();
  const told = useTold();
  return (
    <Panel id="timeline" title={t.timeline}>
      <ol className="timeline">
        {detail.timeline.map((entry, i) => (
          <li key={`${entry.at}${i}`} data-testid="entry" data-action={entry.action}>
            <strong>{named(caseSteps.action, entry.action, entry.action_zh)}</strong> {entry.reason_code ? named(caseSteps.reason, entry.reason_code, entry.reason_zh) : ""}
            <div className="faint">{t.at(told(entry.actor, entry.actor_en), format.dateTime(entry.at, zone))}</div>
            {entry.filled.length ? <dl className="facts one">{entry.filled.map((one) => <div key={one.name}><dt>{named(caseSteps.field, one.name, one.label_zh)}</dt><dd>{one.code ? named(caseSteps.choice, one.code, one.value_zh) : one.value_zh}</dd></div>)}</dl> : null}
            {entry.opinion ? <p>{told(entry.opinion, entry.opinion_en || entry.opinion)}</p> : null}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Delivery({ detail }: { detail: CaseDetail }): ReactNode {
  const { caseDetail: t, words } = useWords();
  const told = useTold();
  const zone = useZone();
  return (
    <Panel id="delivery" title={t.delivery}>
      {detail.delivery.length === 0 ? <Empty text={t.deliveryEmpty} /> : (
        <ul className="rows">
          {detail.delivery.map((item) => (
            <li key={item.kind + item.created_at}>
              <strong>{word(words.feed, item.kind)}</strong>
              {item.delivered_at
                ? <Mark tone="good">{t.delivered(format.clock(item.delivered_at, zone))}</Mark>
                : <Mark tone="warn">{t.notDelivered(item.attempts)}</Mark>}
              {item.delivered_at || !item.last_error ? null : <div className="faint">{told(item.last_error, item.last_error_en)}</div>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
