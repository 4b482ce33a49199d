/** The boxes at the gates, and the command that enrols one. */

import { App, Button } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useSummary } from "../../api/queries";
import type { EnrolmentToken } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { Handover } from "./Handover";

export function EdgesPanel(): ReactNode {
  const { settings: t, live, common } = useWords();
  const zone = useZone();
  const { message } = App.useApp();
  const [made, setMade] = useState<(EnrolmentToken & { name: string }) | null>(null);
  async function make(id: string, name: string): Promise<void> {
    try {
      setMade({ name, ...(await call<EnrolmentToken>(`/admin/edges/${encodeURIComponent(id)}/enrolment-token`, { method: "POST" })) });
    } catch (error) {
      void message.error((error instanceof ApiError && error.message) || common.noAnswer);
    }
  }
  const c = t.edgeColumns;
  return (
    <Panel id="edge-boxes" title={t.edges}>
      <Answer query={useSummary()} empty={(s) => s.edges.length === 0}>
        {(s) => (
          <table className="plain">
            <thead><tr><th>{c.name}</th><th>{c.state}</th><th>{c.seen}</th><th>{c.backlog}</th><th>{c.enrol}</th></tr></thead>
            <tbody>
              {s.edges.map((edge) => (
                <tr key={edge.id}>
                  <td>{edge.name}<div className="faint">{edge.id}</div></td>
                  <td><Mark tone={edge.online ? "good" : "bad"}>{(edge.online ? live.edgeOnline : live.edgeOffline)(format.clock(edge.state_since, zone))}</Mark></td>
                  <td className="num">{format.clock(edge.last_seen_at, zone)}</td><td className="num">{format.number(edge.backlog)}</td>
                  <td><Button size="small" onClick={() => void make(edge.id, edge.name)}>{t.token}</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
      {made ? (
        <Handover title={common.titled(t.token, made.name)} hint={`${t.tokenHint} ${t.tokenUntil(format.dateTime(made.expires_at, zone))} ${t.tokenReplaces}`} text={made.command} close={() => setMade(null)} />
      ) : null}
    </Panel>
  );
}
