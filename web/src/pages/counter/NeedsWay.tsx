/** Who lost the only way in, at this desk or at another estate's: first thing on the counter, until he has another. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useSync } from "../../api/queries";
import * as format from "../../format";
import { useTold, useWords } from "../../i18n";
import { useZone } from "../../session";
import { Panel } from "../../ui/Panel";

export function NeedsWay(): ReactNode {
  const { counter: t } = useWords();
  const told = useTold();
  const zone = useZone();
  const members = (useSync().data?.no_way_in ?? []).filter((member) => member.since);
  if (members.length === 0) return null;
  return (
    <Panel id="needs-way" title={t.needsWay} live>
      <p className="reminder">{t.needsWayHint}</p>
      <ul className="rows cards">
        {members.map((member) => (
          <li key={member.token + member.label}>
            <div className="grow">
              <strong><Link to={`/counter?dwelling=${encodeURIComponent(member.dwelling_id)}`}>{member.label}</Link></strong> <span className="faint">{format.clock(member.since, zone)}</span>
              <div>{told(member.why, member.why_en)}</div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
