/** Each source of tenancies, and the changes the brake holds until somebody has looked at every household. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { ApiError, call } from "../../api/client";
import { useSources } from "../../api/queries";
import type { Held, TenancySource } from "../../api/types";
import * as format from "../../format";
import { useWords, word, useSaid } from "../../i18n";
import type { Words } from "../../i18n/zh";
import { useSession, useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { Reconcile } from "./Reconcile";

export function Sources(): ReactNode {
  const t = useWords().tenancy;
  return (
    <Panel id="sources" title={t.sources}>
      <Answer query={useSources()} empty={(d) => d.items.length === 0} emptyText={t.sourcesEmpty}>
        {(d) => <ul className="rows">{d.items.map((source) => <SourceRow key={source.source} source={source} />)}</ul>}
      </Answer>
    </Panel>
  );
}

function SourceRow({ source }: { source: TenancySource }): ReactNode {
  const said = useSaid();
  const { tenancy: t, words, common } = useWords();
  const { may } = useSession();
  const zone = useZone();
  const client = useQueryClient();
  const { message } = App.useApp();
  const run = async (): Promise<void> => {
    try {
      await call(`/tenancy/sources/${encodeURIComponent(source.source)}/run`, { method: "POST" });
      void message.success(t.ran);
      await client.invalidateQueries({ queryKey: ["sources"] });
    } catch (error) {
      void message.error((error instanceof ApiError && error.message) || common.noAnswer);
    }
  };
  return (
    <li data-testid="source">
      <strong>{source.source}</strong>
      <span className="faint">{word(words.sourceKind, source.kind)}</span>
      {source.last_error ? <Mark tone="bad">{said("reason", source.last_error.split(":")[0] ?? "", source.last_error_zh)}</Mark> : source.held ? null : <Mark tone="good">{t.healthy}</Mark>}
      <span className="faint">{t.lastOk} {format.clock(source.last_ok_at, zone)}</span>
      <span className="faint">{t.lastFull} {format.clock(source.last_full_at, zone)}</span>
      {source.refused_rows ? <Mark tone="warn">{t.refusedRows(source.refused_rows)}</Mark> : null}
      {source.missing.length ? <Mark tone="warn" title={source.missing.join(", ")}>{t.missing(source.missing.length)}</Mark> : null}
      {source.held ? <Mark tone="warn">{t.heldSummary(source.held.households.length, format.clock(source.held.at, zone))}</Mark> : null}
      {source.kind === "http" ? <Reconcile source={source.source} /> : null}
      {may("tenancy.manage") && source.kind === "http" ? <Button size="small" onClick={() => void run()}>{t.run}</Button> : null}
    </li>
  );
}

export function HeldPanels(): ReactNode {
  const { data } = useSources();
  return data?.items.filter((source) => source.held).map((source) => source.held && <HeldPanel key={source.source} held={source.held} />);
}

type Word = "confirm" | "refuse";

/** What a yes does: only a mass removal takes anything away. A feed that is short, or names its households anew, takes nobody's access. */
function wordsFor(held: Held, t: Words["tenancy"]): { release: string; hint: string; two: string; harmless: boolean } {
  if (held.reason === "empty_feed" || held.reason === "half_feed") return { release: t.acceptShort, hint: t.acceptShortHint, two: t.acceptTwo, harmless: true };
  const of = (...reasons: string[]): number => held.households.filter((household) => reasons.includes(household.reason)).length;
  const renamed = of("identifiers_changed", "other_source");
  const unclear = of("identity_unclear");
  if (renamed + unclear === 0 || of("mass_removal") > 0) return { release: t.release, hint: t.releaseHint(of("mass_removal") || held.removals), two: t.twoPersons, harmless: false };
  return renamed ? { release: t.acceptNames, hint: t.acceptNamesHint(renamed), two: t.namesTwo, harmless: true } : { release: t.acceptNew, hint: t.acceptNewHint(unclear), two: t.namesTwo, harmless: true };
}

/** Two different persons decide, each about the set shown here: the hub refuses a word about another one. */
function HeldPanel({ held }: { held: Held }): ReactNode {
  const said = useSaid();
  const { tenancy: t } = useWords();
  const zone = useZone();
  const { may } = useSession();
  const client = useQueryClient();
  const [asking, setAsking] = useState<{ word: Word; set: string } | null>(null);
  const c = t.heldColumns;
  const decide = async (reason: string): Promise<void> => {
    if (!asking) return;
    try {
      await call(`/tenancy/sources/${encodeURIComponent(held.source)}/held/${asking.word}`, { method: "POST", body: { reason, set: asking.set } });
      setAsking(null);
    } finally {
      await client.invalidateQueries({ queryKey: ["sources"] });
    }
  };
  const open = Boolean(held.set) && !held.refused_by && may("tenancy.manage");
  const { release, hint: releaseHint, two, harmless } = wordsFor(held, t);
  const buttons = open ? (
    <span className="tools">
      <Button size="small" danger={!harmless} onClick={() => setAsking({ word: "confirm", set: held.set })}>{release}</Button>
      <Button size="small" onClick={() => setAsking({ word: "refuse", set: held.set })}>{t.keep}</Button>
    </span>
  ) : null;
  const asked = held.asked_by ? t.askedBy(held.asked_by, format.clock(held.asked_at ?? null, zone)) : two;
  return (
    <Panel id={`held-${held.source}`} title={`${t.held} · ${held.source}`} extra={buttons}>
      <p><Mark tone="warn">{said("reason", held.reason, held.reason_zh)}</Mark> <span className="faint">{t.heldSummary(held.households.length, format.clock(held.at, zone))}</span></p>
      {held.set ? <p>{held.refused_by ? t.refusedBy(held.refused_by, format.clock(held.refused_at ?? null, zone)) : asked}</p> : null}
      <table className="plain">
        <thead><tr><th>{c.dwelling}</th><th>{c.tenancy}</th><th>{c.members}</th><th>{c.reason}</th></tr></thead>
        <tbody>
          {held.households.map((household) => (
            <tr key={household.tenancy + household.dwelling_code}>
              <td>{household.dwelling_id ? <Link to={`/dwellings/${encodeURIComponent(household.dwelling_id)}`}>{household.dwelling_code}</Link> : household.dwelling_code}</td>
              <td>{household.tenancy}</td><td>{format.number(household.members)}</td><td>{said("reason", household.reason, household.reason_zh)}{household.becomes && household.becomes !== household.tenancy ? <div className="faint">{t.becomes(household.becomes)}</div> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ReasonDialog
        open={asking !== null} title={asking?.word === "refuse" ? t.keep : release} close={() => setAsking(null)} submit={decide} danger={asking?.word === "confirm" && !harmless}
        hint={asking?.word === "refuse" ? t.keepHint(held.removals) : releaseHint}
      />
    </Panel>
  );
}
