/** How right each rule has been by closed cases: what its stage promises, what was measured, what is held back. */

import type { ReactNode } from "react";
import { useRuleRecords } from "../../api/queries";
import type { RuleRecord } from "../../api/types";
import * as format from "../../format";
import { named, useWords, word } from "../../i18n";
import { Mark, StateMark } from "../../ui/Mark";
import { Answer, Empty, Panel } from "../../ui/Panel";

const FEWEST = 10; // below so many cases a rule is not held back

export function RuleRecordsPanel(): ReactNode {
  const { ruleRecords: t } = useWords();
  return (
    <Panel id="rule-records" title={t.title}>
      <p className="faint">{t.hint}</p>
      <Answer query={useRuleRecords()} empty={(d) => d.rules.length === 0 && !d.asking?.above} emptyText={t.empty}>
        {(d) => (
          <>
            {d.asking?.above ? <p data-testid="asking"><Mark tone="warn">{t.limited}</Mark> {t.asking(format.percent(d.asking.above), d.asking)}</p> : null}
            {d.rules.length ? (
              <div className="table-scroll" tabIndex={0} role="group" aria-label={t.title}>
                <table className="plain">
                  <thead><tr>{t.head.map((text) => <th key={text}>{text}</th>)}</tr></thead>
                  <tbody>{d.rules.map((one) => <Row key={`${one.rule}${one.stage}`} one={one} />)}</tbody>
                </table>
              </div>
            ) : <Empty text={t.empty} />}
            {d.corrections.length ? (
              <>
                <h3>{t.corrections}</h3>
                <ul className="rows">{d.corrections.map((one) => <li key={one.family}>{t.correction(word(t.families, one.family), one.slope.toFixed(2), one.shift.toFixed(2), one.cases)}</li>)}</ul>
              </>
            ) : null}
          </>
        )}
      </Answer>
    </Panel>
  );
}

function Row({ one }: { one: RuleRecord }): ReactNode {
  const { ruleRecords: t, caseSteps, words } = useWords();
  return (
    <tr data-testid="rule-record" data-rule={one.rule} data-held={one.held_back}>
      <td><code>{one.rule}</code> {named(caseSteps.rule, one.rule, one.title)}</td>
      <td><StateMark state={one.stage} words={words.stage} /></td>
      <td className="num">{format.percent(one.promised)}</td>
      <td className="num">{format.percent(one.precision)}</td>
      <td className="num">{format.number(one.inspected)}</td>
      <td className="num">{format.number(one.confirmed)}</td>
      <td>{one.held_back ? <Mark tone="warn">{t.heldBack}</Mark> : <Mark tone="good">{t.inForce}</Mark>}{one.inspected < FEWEST ? <span className="faint"> {t.few}</span> : null}</td>
    </tr>
  );
}
