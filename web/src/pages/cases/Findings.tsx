/** The grounds of a lead: first why it exists, beside it what speaks against it. */

import type { ReactNode } from "react";
import type { CaseFinding } from "../../api/types";
import * as format from "../../format";
import { named, useWords, word } from "../../i18n";
import { Empty, Panel } from "../../ui/Panel";

export function Reasons({ finding }: { finding: CaseFinding | null }): ReactNode {
  const { caseDetail: t, caseSteps, words } = useWords();
  if (!finding) return <Panel id="reasons" title={t.why}><Empty text={t.noFinding} /></Panel>;
  const facts: [string, ReactNode][] = [
    [t.rule, `${finding.rule} ${named(caseSteps.rule, finding.rule, finding.rule_title_zh)}`], [t.observed, finding.observed], [t.threshold, finding.threshold],
    [t.window, `${finding.window_from} – ${finding.window_to}`], [t.coverage, format.percent(finding.coverage)],
    [t.families, finding.families.map((family) => word(words.family, family)).join(" + ") || format.NONE],
    [t.policy, finding.policy_title_zh], [t.legal, finding.legal_basis],
    [caseSteps.chance.title, finding.chance === null ? caseSteps.chance.none : caseSteps.chance.of(format.percent(finding.chance))],
    [caseSteps.chance.limits, finding.limits.join(" · ") || format.NONE],
  ];
  return (
    <Panel id="reasons" title={t.why} extra={<span className="faint">{t.versions(finding.rule_version, finding.policy_version)}</span>}>
      <Bullets items={finding.because} />
      <dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value ?? format.NONE}</dd></div>)}</dl>
      <h3>{t.evidence}</h3>
      {finding.evidence.length ? (
        <ul className="rows">
          {finding.evidence.map((item, i) => (
            <li key={`${item.kind}${item.ref}${i}`}>
              {item.day ? <span className="num">{item.day}</span> : null}<span>{item.text_zh}</span><span className="faint">{word(words.evidence, item.kind)} <code>{item.ref}</code></span>
            </li>
          ))}
        </ul>
      ) : <Empty />}
    </Panel>
  );
}

export function Against({ finding }: { finding: CaseFinding | null }): ReactNode {
  const t = useWords().caseDetail;
  return (
    <Panel id="against" title={t.against}>
      {finding?.against.length ? <Bullets items={finding.against} /> : <Empty text={t.againstEmpty} />}
      {finding?.refuted_by.length ? <><h3>{t.refuted}</h3><Bullets items={finding.refuted_by} /></> : null}
    </Panel>
  );
}

function Bullets({ items }: { items: string[] }): ReactNode {
  return <ul className="bullets">{items.map((text) => <li key={text}>{text}</li>)}</ul>;
}
