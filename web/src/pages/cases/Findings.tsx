/** The grounds of a lead: first why it exists, beside it what speaks against it. */

import type { ReactNode } from "react";
import type { CaseFinding } from "../../api/types";
import * as format from "../../format";
import { named, useTold, useWords, word } from "../../i18n";
import { Empty, Panel } from "../../ui/Panel";

export function Reasons({ finding }: { finding: CaseFinding | null }): ReactNode {
  const { caseDetail: t, caseSteps, words } = useWords();
  const told = useTold();
  if (!finding) return <Panel id="reasons" title={t.why}><Empty text={t.noFinding} /></Panel>;
  const here = told({ ...finding, policy_title: finding.policy_title_zh }, finding.english);
  const facts: [string, ReactNode][] = [
    [t.rule, `${finding.rule} ${named(caseSteps.rule, finding.rule, finding.rule_title_zh)}`], [t.observed, here.observed], [t.threshold, here.threshold],
    [t.window, `${finding.window_from} – ${finding.window_to}`], [t.coverage, format.percent(finding.coverage)],
    [t.families, finding.families.map((family) => word(words.family, family)).join(" + ") || format.NONE],
    [t.policy, here.policy_title], [t.legal, here.legal_basis],
    [caseSteps.chance.title, finding.chance === null ? caseSteps.chance.none : caseSteps.chance.of(format.percent(finding.chance))],
    [caseSteps.chance.limits, here.limits.join(" · ") || format.NONE],
  ];
  return (
    <Panel id="reasons" title={t.why} extra={<span className="faint">{t.versions(finding.rule_version, finding.policy_version)}</span>}>
      <Bullets items={here.because} />
      <dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value ?? format.NONE}</dd></div>)}</dl>
      <h3>{t.evidence}</h3>
      {finding.evidence.length ? (
        <ul className="rows">
          {finding.evidence.map((item, i) => (
            <li key={`${item.kind}${item.ref}${i}`}>
              {item.day ? <span className="num">{item.day}</span> : null}<span>{told(item.text_zh, item.text_en)}</span><span className="faint">{word(words.evidence, item.kind)} <code>{item.ref}</code></span>
            </li>
          ))}
        </ul>
      ) : <Empty />}
    </Panel>
  );
}

export function Against({ finding }: { finding: CaseFinding | null }): ReactNode {
  const t = useWords().caseDetail;
  const here = useTold()<Pick<CaseFinding, "against" | "refuted_by"> | undefined>(finding ?? undefined, finding?.english);
  return (
    <Panel id="against" title={t.against}>
      {here?.against.length ? <Bullets items={here.against} /> : <Empty text={t.againstEmpty} />}
      {here?.refuted_by.length ? <><h3>{t.refuted}</h3><Bullets items={here.refuted_by} /></> : null}
    </Panel>
  );
}

function Bullets({ items }: { items: string[] }): ReactNode {
  return <ul className="bullets">{items.map((text) => <li key={text}>{text}</li>)}</ul>;
}
