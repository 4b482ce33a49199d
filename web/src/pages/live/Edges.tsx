/** The boxes at the gates. What hangs below one that is offline is unknown, not fine. */

import type { ReactNode } from "react";
import { useSummary } from "../../api/queries";
import type { EdgeState } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useNow } from "../../now";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

/** Doors go on by the lists the box has, however long it lasts: said with how long, and by which lists. */
export function EdgeBanner({ edges }: { edges: EdgeState[] }): ReactNode {
  const { live: t, common } = useWords();
  const zone = useZone();
  const now = useNow(10_000);
  return edges.filter((edge) => !edge.online).map((edge) => (
    <div key={edge.id} className="banner" role="alert" data-testid="edge-banner">
      <span aria-hidden="true">■ </span>
      {edge.state_since ? t.aloneBanner(edge.name, common.duration(Math.max(0, now - Date.parse(edge.state_since)) / 1000), format.clock(edge.last_seen_at ?? edge.state_since, zone)) : t.edgeBanner(edge.name, format.NONE)}
    </div>
  ));
}

export function Edges(): ReactNode {
  const { live: t, common } = useWords();
  const zone = useZone();
  const now = useNow(10_000);
  return (
    <Panel id="edges" title={t.edges} live>
      <Answer query={useSummary()} empty={(s) => s.edges.length === 0}>
        {(s) => (
          <ul className="rows">
            {s.edges.map((edge) => (
              <li key={edge.id}>
                <strong>{edge.name}</strong>
                <Mark tone={edge.online ? "good" : "bad"}>
                  {(edge.online ? t.edgeOnline : t.edgeOffline)(format.clock(edge.state_since, zone))}
                </Mark>
                {!edge.online && edge.state_since ? <Mark tone="warn">{t.alone(common.duration(Math.max(0, now - Date.parse(edge.state_since)) / 1000))}</Mark> : null}
                <span className="faint">{t.lastSeen(format.clock(edge.last_seen_at, zone))}</span>
                {edge.online && !edge.disk_writes ? <Mark tone="bad">{t.diskFull}</Mark> : null}
                {edge.online && !edge.clock_trusted ? <Mark tone="warn">{t.clockUnsure}</Mark> : null}
                {edge.certificate_until ? <Certificate until={edge.certificate_until} now={now} /> : null}
                {edge.backlog ? <span className="faint">{t.backlog(edge.backlog)}</span> : null}
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Panel>
  );
}

/** A box renews its certificate when a month is left: one that did not for two weeks needs a person. */
function Certificate({ until, now }: { until: string; now: number }): ReactNode {
  const { live: t } = useWords();
  const zone = useZone();
  const left = Date.parse(until) - now;
  if (left > 14 * 86_400_000) return null;
  return <Mark tone={left > 0 ? "warn" : "bad"}>{(left > 0 ? t.certificateEnds : t.certificateEnded)(format.day(until, zone))}</Mark>;
}
