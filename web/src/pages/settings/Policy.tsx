/** The law profile of the estate: which thresholds are in force, and whether pictures are kept. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { usePolicy, usePolicyPacks } from "../../api/queries";
import type { PolicyPack } from "../../api/types";
import { useWords } from "../../i18n";
import { useEstate, useSession } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { PolicyTrials, TryButton } from "./PolicyTrial";

/** Sends a change with its reason and reads the policy again. */
function useChange(): (change: Record<string, unknown>, reason: string) => Promise<void> {
  const { id } = useEstate();
  const client = useQueryClient();
  const { message } = App.useApp();
  const saved = useWords().common.saved;
  return async (change, reason) => {
    await call(`/estates/${encodeURIComponent(id)}/policy`, { method: "PATCH", body: { ...change, reason } });
    await client.invalidateQueries({ queryKey: ["policy", id] });
    void message.success(saved);
  };
}

export function PolicyPanel(): ReactNode {
  const t = useWords().settings;
  const policy = usePolicy();
  const change = useChange();
  const [wanted, setWanted] = useState<PolicyPack | null>(null);
  return (
    <Panel id="policy" title={t.policy}>
      <p className="faint">{t.policyHint}</p>
      <Answer query={usePolicyPacks()} empty={(d) => d.items.length === 0}>
        {(d) => <ul className="rows">{d.items.map((pack) => <PackRow key={pack.name} pack={pack} inForce={policy.data?.policy_pack === pack.name} use={() => setWanted(pack)} />)}</ul>}
      </Answer>
      <PolicyTrials />
      <ReasonDialog open={wanted !== null} title={`${t.use}: ${wanted?.title ?? ""}`} hint={t.policyHint} close={() => setWanted(null)}
        submit={async (reason) => {
          await change({ policy_pack: wanted?.name }, reason);
          setWanted(null);
        }} />
    </Panel>
  );
}

function PackRow({ pack, inForce, use }: { pack: PolicyPack; inForce: boolean; use: () => void }): ReactNode {
  const { settings: t } = useWords();
  const { may } = useSession();
  const { yellow_days: yellow, orange_days: orange, red_days: red, window_days: window, lived_days: lived } = pack.vacancy;
  const idle = pack.vacancy.shape === "days_lived" && window && lived ? t.livedDays(window, lived) : t.vacancyDays(yellow, orange, red);
  return (
    <li data-testid="pack">
      <strong>{pack.title}</strong><span className="faint">{t.version(pack.version)}</span>
      {inForce ? <Mark tone="good">{t.inForce}</Mark> : may("policy.manage") ? <><TryButton pack={pack.name} /><Button size="small" onClick={use}>{t.use}</Button></> : null}
      <span style={{ flexBasis: "100%" }}>{idle} · {t.subletDays(pack.sublet.unseen_days, Math.round(pack.sublet.water_share * 100))}</span>
      <span className="faint" style={{ flexBasis: "100%" }}>{pack.legal_basis}</span>
    </li>
  );
}

export function SnapshotsPanel(): ReactNode {
  const t = useWords().settings;
  const { may } = useSession();
  const change = useChange();
  const [asking, setAsking] = useState(false);
  return (
    <Panel id="snapshots" title={t.snapshots}>
      <p>{t.snapshotsHint}</p>
      <Answer query={usePolicy()} rows={1}>
        {({ policy }) => {
          const on = policy["snapshots"] === true;
          return (
            <div className="tools">
              <Mark tone={on ? "warn" : "good"}>{on ? t.on : t.off}</Mark>
              {may("policy.manage") ? <Button onClick={() => setAsking(true)} danger={!on}>{on ? t.turnOff : t.turnOn}</Button> : <span className="faint">{t.onlyAdmin}</span>}
              <ReasonDialog open={asking} title={on ? t.turnOff : t.turnOn} hint={t.snapshotsHint} close={() => setAsking(false)} danger={!on}
                submit={async (reason) => {
                  await change({ snapshots: !on }, reason);
                  setAsking(false);
                }} />
            </div>
          );
        }}
      </Answer>
    </Panel>
  );
}
