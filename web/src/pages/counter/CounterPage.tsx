/** The counter: what a resident comes for, and what one clerk asked for that a second person must decide. */

import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import { useDwelling } from "../../api/queries";
import { useWords } from "../../i18n";
import { useSession } from "../../session";
import { DwellingPick } from "../../ui/DwellingPick";
import { Answer, Empty, Panel } from "../../ui/Panel";
import { CounterMember } from "./CounterMember";
import { NeedsWay } from "./NeedsWay";
import { SecondPerson } from "./SecondPerson";

export function CounterPage(): ReactNode {
  const { counter: t } = useWords();
  const { may } = useSession();
  const [params, setParams] = useSearchParams();
  const id = params.get("dwelling") ?? "";
  return (
    <>
      <h1>{t.title}</h1>
      <NeedsWay />
      <SecondPerson />
      {may("access.desk") ? (
        <Panel id="counter" title={t.residents} extra={<DwellingPick label={t.pick} value={id || null} change={(one) => setParams(one ? { dwelling: one } : {}, { replace: true })} />}>
          {id ? <Household id={id} /> : <Empty text={t.pickHint} />}
        </Panel>
      ) : <Panel id="counter" title={t.residents}><Empty text={t.needsDesk} /></Panel>}
    </>
  );
}

function Household({ id }: { id: string }): ReactNode {
  const { counter: t } = useWords();
  return (
    <Answer query={useDwelling(id)} empty={(dwelling) => dwelling.household.length === 0} emptyText={t.noHousehold}>
      {(dwelling) => (
        <>
          <p className="reminder">{t.identify}</p>
          <p className="faint" data-testid="consent-hint">{t.consentHint}</p>
          {dwelling.household.map((member) => <CounterMember key={member.member_id} member={member} />)}
        </>
      )}
    </Answer>
  );
}
