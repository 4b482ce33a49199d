/** How the parts of the system are, what was sent to the lease system, and messages nobody could read. */

import type { ReactNode } from "react";
import { useDeadLetters, useHealth, useOutbox } from "../../api/queries";
import type { HealthPart } from "../../api/types";
import * as format from "../../format";
import { useLanguage, useTold, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

export function HealthPanel(): ReactNode {
  const { settings: t, words } = useWords();
  const { language } = useLanguage();
  const query = useHealth();
  return (
    <Panel id="health" title={t.health} extra={query.data ? <span className="faint">{t.version(query.data.version)}</span> : null}>
      <Answer query={query}>
        {(health) => (
          <ul className="rows">
            {health.parts.map((part) => (
              <li key={part.name}>
                <strong>{word(words.healthPart, part.name)}</strong><State part={part} />
                <span className="faint">{language === "zh" ? part.detail_zh : part.detail}</span>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Panel>
  );
}

function State({ part }: { part: HealthPart }): ReactNode {
  const t = useWords().settings;
  if (!part.looked) return <Mark tone="none">{t.unlooked}</Mark>;
  return part.ok ? <Mark tone="good">{t.well}</Mark> : <Mark tone="bad">{t.unwell}</Mark>;
}

export function OutboxPanel(): ReactNode {
  const { settings: t, caseDetail, words } = useWords();
  const told = useTold();
  const zone = useZone();
  const query = useOutbox();
  const c = t.outboxColumns;
  return (
    <Panel id="outbox" title={t.outbox} extra={query.data?.undelivered ? <Mark tone="warn">{t.undelivered(query.data.undelivered)}</Mark> : null}>
      <Answer query={query} empty={(d) => d.items.length === 0} emptyText={t.outboxEmpty}>
        {(d) => (
          <table className="plain">
            <thead><tr><th>{c.at}</th><th>{c.kind}</th><th>{c.subject}</th><th>{c.state}</th></tr></thead>
            <tbody>
              {d.items.map((item) => (
                <tr key={item.id}>
                  <td className="num">{format.dateTime(item.created_at, zone)}</td><td>{word(words.feed, item.kind)}</td><td>{item.subject}</td>
                  <td>{item.delivered_at ? <Mark tone="good">{caseDetail.delivered(format.clock(item.delivered_at, zone))}</Mark> : <Mark tone="warn">{caseDetail.notDelivered(item.attempts)}</Mark>}{item.delivered_at || !item.last_error ? null : <div className="faint">{told(item.last_error, item.last_error_en)}</div>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
    </Panel>
  );
}

export function DeadLettersPanel(): ReactNode {
  const t = useWords().settings;
  const zone = useZone();
  const c = t.deadColumns;
  return (
    <Panel id="dead-letters" title={t.dead}>
      <Answer query={useDeadLetters()} empty={(d) => d.items.length === 0} emptyText={t.deadEmpty}>
        {(d) => (
          <table className="plain">
            <thead><tr><th>{c.at}</th><th>{c.edge}</th><th>{c.topic}</th><th>{c.error}</th><th>{c.size}</th><th>{c.preview}</th></tr></thead>
            <tbody>
              {d.items.map((row) => (
                <tr key={row.id}>
                  <td className="num">{format.dateTime(row.at, zone)}</td><td>{row.edge_id ?? format.NONE}</td><td><code>{row.topic}</code></td>
                  <td>{row.error}</td><td className="num">{format.number(row.size)}</td><td><code>{row.preview}</code></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
    </Panel>
  );
}
