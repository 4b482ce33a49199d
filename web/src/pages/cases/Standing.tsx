/** Where a case stands: which clocks run, what the program proposes, whether the household was heard and screened for hardship. */

import type { ReactNode } from "react";
import type { CaseDetail } from "../../api/types";
import * as format from "../../format";
import { named, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Empty, Panel } from "../../ui/Panel";

export function Clocks({ detail }: { detail: CaseDetail }): ReactNode {
  const { steps: t, timer, proposed } = useWords().caseSteps;
  const zone = useZone();
  return (
    <Panel id="timers" title={t.timers}>
      {detail.outcome === null ? <p><strong>{t.proposes}</strong> {detail.proposed.step} {named(proposed, detail.proposed.step, detail.proposed.label_zh)} <span className="faint">{t.proposesHint}</span></p> : null}
      {detail.timers.length === 0 ? <Empty text={t.timersEmpty} /> : (
        <ul className="rows">
          {detail.timers.map((one) => (
            <li key={one.code} data-testid="timer" data-late={one.late}>
              <span>{named(timer, one.code, one.label_zh)}</span><span className="num">{t.due(one.due)}</span>
              {one.whose === "household" ? <span className="faint">{t.household}</span> : null}
              {one.late ? <Mark tone="bad">{t.late}</Mark> : one.soon ? <Mark tone="warn">{t.soon}</Mark> : null}
            </li>
          ))}
        </ul>
      )}
      {detail.quiet_until ? <p className="faint" data-testid="quiet-until">{t.quietUntil(format.day(detail.quiet_until, zone))}</p> : null}
    </Panel>
  );
}

export function Screening({ detail }: { detail: CaseDetail }): ReactNode {
  const { steps: t, hardship } = useWords().caseSteps;
  const { on, open, found } = detail.hardship;
  const named = (names: string[]): string => names.map((name) => word(hardship, name)).join(" · ");
  return (
    <Panel id="screening" title={t.screening}>
      <ul className="rows">
        <li><Mark tone={detail.heard ? "good" : "warn"}>{detail.heard ? t.heard : t.notHeard}</Mark></li>
        {on === null ? <li><Mark tone="warn">{t.notScreened}</Mark></li> : <li>{t.screened(on)}</li>}
        {on !== null && open.length ? <li><Mark tone="warn">{t.stillOpen}</Mark> {named(open)}</li> : null}
        {found.length ? <li><Mark tone="warn">{t.found}</Mark> {named(found)}</li> : on !== null && !open.length ? <li><Mark tone="good">{t.none}</Mark></li> : null}
      </ul>
    </Panel>
  );
}
