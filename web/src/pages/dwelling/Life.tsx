/** What doors and meters prove of a tenancy's life: handed over, moved in, moved out, ready to be let again. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDwellingLife, useEstateLife } from "../../api/queries";
import type { LifeFact } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

export function LifePanel({ dwellingId }: { dwellingId: string }): ReactNode {
  const { life: t } = useWords();
  return (
    <Panel id="life" title={t.title}>
      <Answer query={useDwellingLife(dwellingId)} empty={(d) => d.items.length === 0} rows={2}>
        {(d) => <ul className="rows">{d.items.map((fact) => <Fact key={`${fact.tenancy_id}-${fact.kind}`} fact={fact} />)}</ul>}
      </Answer>
    </Panel>
  );
}

/** The estate's homes that can be let again, and who lately came and went. */
export function EstateLifePanel(): ReactNode {
  const { life: t } = useWords();
  return (
    <Panel id="estate-life" title={t.estateTitle}>
      <p className="faint">{t.hint}</p>
      <Answer query={useEstateLife()} empty={(d) => d.items.length === 0}>
        {(d) => <ul className="rows">{d.items.slice(0, 30).map((fact) => <Fact key={`${fact.tenancy_id}-${fact.kind}`} fact={fact} linked />)}</ul>}
      </Answer>
    </Panel>
  );
}

function Fact({ fact, linked = false }: { fact: LifeFact; linked?: boolean }): ReactNode {
  const { life: t } = useWords();
  const zone = useZone();
  const told = useTold();
  return (
    <li data-testid="life-fact" data-kind={fact.kind} data-standing={fact.standing}>
      {linked ? <Link to={`/dwellings/${encodeURIComponent(fact.dwelling_id)}`}>{fact.block} {fact.number}</Link> : null}
      <Mark tone={fact.standing ? "good" : "warn"}>{fact.standing ? word(t.kinds, fact.kind) : t.withdrawn(word(t.kinds, fact.kind))}</Mark>
      <strong>{fact.day}</strong>
      <span className="faint">{t.proof(fact.proof.map((one) => word(t.families, one)).join(" + "), Math.round(fact.coverage * 100))}{fact.revision > 1 ? ` · ${t.revision(fact.revision)}` : ""}</span>
      <span className="faint" style={{ flexBasis: "100%" }}>
        {told(fact.because, fact.because_en).join(" ")} {fact.delivered_at ? t.delivered(format.dateTime(fact.delivered_at, zone)) : t.waiting}
      </span>
    </li>
  );
}
