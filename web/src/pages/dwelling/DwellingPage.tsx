/** One dwelling: who lives there, how they get in and why, and what was observed. */

import { lazy, type ReactNode, Suspense } from "react";
import { Link, useParams } from "react-router";
import { useDwelling } from "../../api/queries";
import type { Dwelling } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useStatus } from "../../live/cells";
import { useSession, useZone } from "../../session";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { StatusChip } from "../../ui/StatusChip";
import { Absences } from "./Absences";
import { Household } from "./Household";
import { LifePanel } from "./Life";
import { OutsideSigns } from "./OutsideSigns";
import { Why } from "./Why";

const Presence = lazy(() => import("./Presence"));

export function DwellingPage(): ReactNode {
  const { id = "" } = useParams();
  return <Answer page query={useDwelling(id)} rows={14}>{(dwelling) => <Page dwelling={dwelling} key={id} />}</Answer>;
}

function Page({ dwelling }: { dwelling: Dwelling }): ReactNode {
  const t = useWords().dwelling;
  const { may } = useSession();
  return (
    <>
      <div className="page-head">
        <h1>{t.title(dwelling.block_name, dwelling.number)}</h1>
        <StatusChip status={useStatus(dwelling.id, dwelling.status)} />
        <Lead dwelling={dwelling} />
      </div>
      <Facts dwelling={dwelling} />
      <div className="two">
        <Household dwelling={dwelling} />
        <div>
          <Why dwellingId={dwelling.id} />
          <Absences dwelling={dwelling} />
          <LifePanel dwellingId={dwelling.id} />
          {may("case.view") ? <OutsideSigns dwelling={dwelling.id} /> : null}
          <Meters dwelling={dwelling} />
        </div>
      </div>
      <Suspense fallback={null}><Presence dwellingId={dwelling.id} /></Suspense>
    </>
  );
}

function Lead({ dwelling }: { dwelling: Dwelling }): ReactNode {
  const { dwelling: t, words } = useWords();
  const { may } = useSession();
  const open = dwelling.open_case;
  if (!open || !may("case.view")) return null;
  return (
    <span data-testid="lead">
      <StateMark state={open.stage} words={words.stage} /> {t.lead} {word(words.caseKind, open.kind)}{" "}
      <Link to={`/cases/${encodeURIComponent(open.id)}`}>{open.number} {t.openLead}</Link>
    </span>
  );
}

function Facts({ dwelling }: { dwelling: Dwelling }): ReactNode {
  const { dwelling: t, words } = useWords();
  const { tenancy } = dwelling;
  const facts: [string, string][] = [[t.code, dwelling.code], [t.floor, String(dwelling.floor)], [t.rooms, format.number(dwelling.rooms)]];
  if (tenancy) {
    facts.push([t.tenancyNo, tenancy.source_id], [t.tenancy, word(words.tenancyState, tenancy.state)], [t.from, tenancy.from_date],
      [t.to, tenancy.to_date ?? t.noEnd], [t.handover, tenancy.handover_at ?? format.NONE]);
    if (tenancy.expected_members) facts.push([t.letTo, format.number(tenancy.expected_members)]);
    if (tenancy.end_decision) facts.push([t.decision, Object.values(tenancy.end_decision).filter((v) => typeof v === "string").join(" · ")]);
  } else facts.push([t.tenancy, t.noTenancy]);
  return (
    <section className="panel" aria-label={t.tenancy}>
      <div className="panel-body"><dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl></div>
    </section>
  );
}

function Meters({ dwelling }: { dwelling: Dwelling }): ReactNode {
  const { dwelling: t, words } = useWords();
  const zone = useZone();
  return (
    <Panel id="meters" title={t.lastValue}>
      {dwelling.meters.length === 0 ? <Empty text={t.metersEmpty} /> : (
        <ul className="rows">
          {dwelling.meters.map((meter) => (
            <li key={meter.id}>
              <strong>{word(words.quantity, meter.quantity)}</strong>
              <span className="num">{format.number(meter.last_value, 2)} {words.quantityUnit[meter.quantity]}</span>
              <span className="faint">{format.clock(meter.last_at, zone)}</span>
              {meter.ok === false ? <Mark tone="warn">{t.meterBad}</Mark> : null}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
