/** A dwelling in a drawer: enough to decide whether to open its page. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDwelling } from "../../api/queries";
import type { Cell } from "../../api/types";
import { useWords, word, useSaid } from "../../i18n";
import { useStatus } from "../../live/cells";
import { Answer } from "../../ui/Panel";
import { StatusChip } from "../../ui/StatusChip";

export function Glance({ cell }: { cell: Cell }): ReactNode {
  const said = useSaid();
  const { blocks: t, dwelling: d, words } = useWords();
  const status = useStatus(cell.id, cell.status);
  return (
    <div data-testid="glance">
      <p><StatusChip status={status} /></p>
      <p className="faint">{cell.last_pass_day ? t.lastPass(cell.last_pass_day) : t.noPass}</p>
      {cell.case_stage ? <p>{t.leadStage}: {word(words.stage, cell.case_stage)}</p> : null}
      <Answer query={useDwelling(cell.id)} rows={3}>
        {(w) => (
          <>
            <p>{w.tenancy ? `${d.tenancyNo} ${w.tenancy.source_id} · ${word(words.tenancyState, w.tenancy.state)}` : d.noTenancy}</p>
            <ul className="rows">
              {w.household.map((member) => <li key={member.member_id}><strong>{member.name}</strong><span className="faint">{said("relation", member.relation, member.relation_zh)}</span></li>)}
            </ul>
          </>
        )}
      </Answer>
      <p><Link to={`/dwellings/${encodeURIComponent(cell.id)}`}>{t.open}</Link></p>
    </div>
  );
}
