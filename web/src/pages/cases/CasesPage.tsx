/** Leads: filters with counts, a list the keyboard walks. */

import { Checkbox, Segmented } from "antd";
import { type ReactNode, useCallback, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { type CaseFilter, useCases, useHints } from "../../api/queries";
import type { CaseItem } from "../../api/types";
import * as format from "../../format";
import { named, useTold, useWords, word } from "../../i18n";
import { serverNow } from "../../now";
import { useZone } from "../../session";
import { StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { useKeys } from "../../ui/useKeys";

const FILTERS = ["state", "kind", "stage"] as const;
const ASKED = [...FILTERS, "late"] as const;

export function CasesPage(): ReactNode {
  const { cases: t, caseSteps, common, ruleRecords } = useWords();
  const [params, setParams] = useSearchParams();
  const filter: CaseFilter = Object.fromEntries(ASKED.map((name) => [name, params.get(name) ?? ""]).filter(([, v]) => v));
  const query = useCases(filter);
  const set = (name: string, value: string): void => {
    setParams((old) => {
      if (value) old.set(name, value);
      else old.delete(name);
      return old;
    }, { replace: true });
  };
  return (
    <>
      <h1>{t.title}</h1>
      <p className="reminder">{t.reminder} <Link to="/settings?tab=rules">{ruleRecords.link}</Link></p>
      <Panel id="case-filters" title={t.filters} extra={<span className="faint">{t.keys}</span>}>
        <Answer query={query} rows={2}>
          {({ counts }) => (
            <>
              {FILTERS.map((name) => (
                <Filter key={name} name={name} label={t[name]} value={filter[name] ?? ""} counts={counts[name]} all={common.all} choose={(value) => set(name, value)} />
              ))}
              <Checkbox checked={filter.late === "true"} onChange={(event) => set("late", event.target.checked ? "true" : "")}>{caseSteps.steps.lateOnly(counts.late)}</Checkbox>
            </>
          )}
        </Answer>
      </Panel>
      <Panel id="case-list" title={query.data ? t.openN(query.data.items.length) : t.title} live>
        <Answer query={query} empty={(page) => page.items.length === 0} emptyText={t.empty}>
          {(page) => <CaseTable items={page.items} search={params.toString()} />}
        </Answer>
      </Panel>
      <Hints />
    </>
  );
}

function Hints(): ReactNode {
  const { hints: t, caseSteps, words } = useWords();
  const told = useTold();
  return (
    <Panel id="hints" title={t.title}>
      <p className="faint">{t.hint}</p>
      <Answer query={useHints()} empty={(page) => page.items.length === 0} emptyText={t.empty}>
        {({ items }) => (
          <ul className="rows">
            {items.map((one) => (
              <li key={one.id} data-testid="hint">
                <strong>{word(words.caseKind, one.kind, one.kind_zh)}</strong> <code>{one.rule}</code> {named(caseSteps.rule, one.rule, "")}
                <Link to={`/dwellings/${encodeURIComponent(one.dwelling_id)}`}>{one.block_name} {one.dwelling_number}</Link>
                <span>{told(one.because, one.because_en)[0]}</span>
                {one.case_id ? <Link to={`/cases/${encodeURIComponent(one.case_id)}`}>{t.openCase}</Link> : null}
                {one.against.length ? <span className="faint">{t.innocent} {told(one.against, one.against_en).map((text) => text.split(/\uff1a/)[0]).join(" · ")}</span> : null}
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Panel>
  );
}

interface FilterProps { name: (typeof FILTERS)[number]; label: string; value: string; counts: Record<string, number>; all: string; choose: (value: string) => void }

function Filter({ name, label, value, counts, all, choose }: FilterProps): ReactNode {
  const { words } = useWords();
  const list = { state: words.caseState, kind: words.caseKind, stage: words.stage }[name];
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const options = [{ value: "", label: `${all} ${total}` }, ...Object.entries(counts).map(([key, n]) => ({ value: key, label: `${word(list, key)} ${n}` }))];
  return (
    <div className="tools" style={{ marginBottom: 6 }}>
      <span className="faint" id={`filter-${name}`}>{label}</span>
      <Segmented size="small" value={value} options={options} onChange={choose} aria-labelledby={`filter-${name}`} name={`filter-${name}`} />
    </div>
  );
}

function CaseTable({ items, search }: { items: CaseItem[]; search: string }): ReactNode {
  const t = useWords().cases.columns;
  const navigate = useNavigate();
  const [at, setAt] = useState(-1);
  const open = useCallback((item: CaseItem | undefined): void => {
    if (item) void navigate(`/cases/${encodeURIComponent(item.id)}${search ? `?${search}` : ""}`);
  }, [navigate, search]);
  useKeys({
    j: () => setAt((now) => Math.min(now + 1, items.length - 1)),
    k: () => setAt((now) => Math.max(now - 1, 0)),
    Enter: () => open(items[at]),
  });
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={useWords().cases.title}>
      <table className="plain">
        <thead><tr><th>{t.number}</th><th>{t.dwelling}</th><th>{t.kind}</th><th>{t.stage}</th><th>{t.state}</th><th>{t.headline}</th><th>{t.opened}</th><th>{t.due}</th></tr></thead>
        <tbody>{items.map((item, i) => <CaseRow key={item.id} item={item} chosen={i === at} search={search} />)}</tbody>
      </table>
    </div>
  );
}

function CaseRow({ item, chosen, search }: { item: CaseItem; chosen: boolean; search: string }): ReactNode {
  const { cases: t, words } = useWords();
  const zone = useZone();
  const told = useTold();
  const overdue = item.step_due_at && Date.parse(item.step_due_at) <= serverNow();
  return (
    <tr className={chosen ? "chosen" : ""} data-testid="case" data-state={item.state}>
      <td className="num"><Link to={`/cases/${encodeURIComponent(item.id)}${search ? `?${search}` : ""}`}>{item.number}</Link></td>
      <td>{item.block_name} {item.dwelling_number}</td>
      <td>{word(words.caseKind, item.kind, item.kind_zh)}</td>
      <td><StateMark state={item.stage} words={words.stage} /></td>
      <td>{word(words.caseState, item.state, item.state_zh)}</td>
      <td>{told(item.headline, item.headline_en)}</td>
      <td className="num">{format.day(item.opened_at, zone)}</td>
      <td className="num">{item.step_due_at ? format.day(new Date(Date.parse(item.step_due_at) - 1).toISOString(), zone) : format.NONE}{overdue ? <span className="late">{t.overdue}</span> : null}</td>
    </tr>
  );
}
