/** A policy pack tried on the estate's own history, beside the one in force, before anybody puts it in force. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import type { ReactNode } from "react";
import { ApiError, call } from "../../api/client";
import { usePolicyPacks, usePolicyTrials } from "../../api/queries";
import type { PackOutcome, PolicyTrial, TrialLead } from "../../api/types";
import * as format from "../../format";
import { named, useTold, useWords } from "../../i18n";
import { useEstate, useZone } from "../../session";
import { PlainTable } from "../../ui/ChartOrTable";
import { Answer } from "../../ui/Panel";

/** Asks for a trial; the list below polls until it is done. */
export function TryButton({ pack }: { pack: string }): ReactNode {
  const { settings: t, common } = useWords();
  const { id } = useEstate();
  const client = useQueryClient();
  const { message } = App.useApp();
  const ask = async (): Promise<void> => {
    try {
      await call(`/estates/${encodeURIComponent(id)}/policy-trials`, { method: "POST", body: { policy_pack: pack } });
      await client.invalidateQueries({ queryKey: ["policy-trials", id] });
    } catch (error) {
      void message.error((error instanceof ApiError && error.message) || common.noAnswer);
    }
  };
  return <Button size="small" onClick={() => void ask()}>{t.tryPack}</Button>;
}

export function PolicyTrials(): ReactNode {
  const { settings: t } = useWords();
  return (
    <section data-testid="policy-trials">
      <h3>{t.trials}</h3>
      <p className="faint">{t.trialsHint}</p>
      <Answer query={usePolicyTrials()} empty={(d) => d.items.length === 0}>
        {(d) => <ul className="rows">{d.items.slice(0, 3).map((trial) => <Trial key={trial.id} trial={trial} />)}</ul>}
      </Answer>
    </section>
  );
}

function Trial({ trial }: { trial: PolicyTrial }): ReactNode {
  const { settings: t } = useWords();
  const zone = useZone();
  const told = useTold();
  const packs = usePolicyPacks();
  const { result } = trial;
  const red = packs.data?.items.find((pack) => pack.name === trial.pack)?.vacancy.red_days ?? 0;
  const days = result ? Math.round((Date.parse(result.last) - Date.parse(result.first)) / 86_400_000) + 1 : 0;
  return (
    <li data-testid="policy-trial" data-state={trial.state} style={{ display: "block" }}>
      <strong>{named(t.packTitles, trial.pack, result?.tried.title ?? trial.pack)}</strong>{" "}
      <span className="faint">{t.version(trial.pack_version)} · {trial.asked_by} · {format.dateTime(trial.asked_at, zone)}</span>
      {trial.state === "failed" ? <p role="alert">{told(trial.error, trial.error_en)}</p> : null}
      {result === null && trial.state !== "failed" ? <p>{t.trialRuns(trial.done, trial.total)}</p> : null}
      {result ? (
        <>
          <PlainTable label={t.trials} head={t.trialHead} rows={[row(result.tried, t.trialOf, t.packTitles), row(result.in_force, t.inForce, t.packTitles)]} />
          {days < red ? <p>{t.trialShort(days, red)}</p> : null}
          <p>{t.trialDiffers(result.only_tried_count, result.only_in_force_count, result.otherwise_count ?? null)} <span className="faint">{t.trialSpan(result.first, result.last, result.dwellings)}</span></p>
          <Leads title={t.onlyTried} leads={result.only_tried} />
          <Leads title={t.onlyInForce} leads={result.only_in_force} />
        </>
      ) : null}
    </li>
  );
}

function row(one: PackOutcome, role: string, titles: Record<string, string>): string[] {
  const { opened, standing } = one;
  return [
    `${role}: ${named(titles, one.pack, one.title)} ${one.version}`,
    ...[opened.yellow, opened.orange, opened.red, standing.yellow, standing.orange, standing.red].map((n) => format.number(n ?? 0)),
    format.number(one.insufficient_days),
  ];
}

function Leads({ title, leads }: { title: string; leads: TrialLead[] }): ReactNode {
  const { settings: t, words: { caseKind, stage } } = useWords();
  if (leads.length === 0) return null;
  const shown = leads.map((one) => {
    const [what = "", tier = ""] = one.lead.split(":");
    return [one.dwelling_id, caseKind[what] ?? what, stage[tier] ?? tier];
  });
  return <PlainTable label={title} head={[title, t.trialKind, t.trialTier]} rows={shown} />;
}
