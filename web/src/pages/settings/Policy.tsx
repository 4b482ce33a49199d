/** The law profile of the estate: which thresholds are in force, and whether pictures are kept. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Input, Select } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import { usePolicy, usePolicyPacks } from "../../api/queries";
import type { PolicyPack } from "../../api/types";
import { named, useTold, useWords } from "../../i18n";
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
      <ReasonDialog open={wanted !== null} title={`${t.use}: ${wanted ? named(t.packTitles, wanted.name, wanted.title) : ""}`} hint={t.policyHint} close={() => setWanted(null)}
        submit={async (reason) => {
          await change({ policy_pack: wanted?.name }, reason);
          setWanted(null);
        }} />
    </Panel>
  );
}

function PackRow({ pack, inForce, use }: { pack: PolicyPack; inForce: boolean; use: () => void }): ReactNode {
  const { settings: t } = useWords();
  const told = useTold();
  const { may } = useSession();
  const { yellow_days: yellow, orange_days: orange, red_days: red, window_days: window, lived_days: lived } = pack.vacancy;
  const idle = pack.vacancy.shape === "days_lived" && window && lived ? t.livedDays(window, lived) : t.vacancyDays(yellow, orange, red);
  return (
    <li data-testid="pack">
      <strong>{named(t.packTitles, pack.name, pack.title)}</strong><span className="faint">{t.version(pack.version)}</span>
      {inForce ? <Mark tone="good">{t.inForce}</Mark> : may("policy.manage") ? <><TryButton pack={pack.name} /><Button size="small" onClick={use}>{t.use}</Button></> : null}
      <span style={{ flexBasis: "100%" }}>{idle} · {t.subletDays(pack.sublet.unseen_days, Math.round(pack.sublet.water_share * 100))}</span>
      <span className="faint" style={{ flexBasis: "100%" }}>{told(pack.legal_basis, pack.legal_basis_en)}</span>
    </li>
  );
}

export function SnapshotsPanel(): ReactNode {
  const t = useWords().settings;
  return (
    <Panel id="snapshots" title={t.snapshots}>
      <p>{t.snapshotsHint}</p>
      <PolicySwitch name="snapshots" on={t.turnOn} off={t.turnOff} hint={t.snapshotsHint} />
    </Panel>
  );
}

/** Looks at faces beside a card and after the button at a camera: facts, for whom they concern by consent alone. */
export function FaceChecksPanel(): ReactNode {
  const t = useWords().settings;
  return (
    <Panel id="face-checks" title={t.faceChecks}>
      <p>{t.faceChecksHint}</p>
      <PolicySwitch name="face_checks" title={t.faceBesideCard} on={t.turnOnFace} off={t.turnOffFace} hint={t.faceBesideCardHint} />
      <PolicySwitch name="face_requests" title={t.faceAfterButton} on={t.turnOnFace} off={t.turnOffFace} hint={t.faceAfterButtonHint} />
    </Panel>
  );
}

/** One thing of the policy that is on or off, changed with a reason. */
function PolicySwitch({ name, title = "", on: turnOn, off: turnOff, hint }: { name: string; title?: string; on: string; off: string; hint: string }): ReactNode {
  const t = useWords().settings;
  const { may } = useSession();
  const change = useChange();
  const [asking, setAsking] = useState(false);
  return (
    <Answer query={usePolicy()} rows={1}>
      {({ policy }) => {
        const on = policy[name] === true;
        const order = on ? turnOff : turnOn;
        return (
          <div className="tools" data-testid={`switch-${name}`}>
            {title ? <strong>{title}</strong> : null}
            <Mark tone={on ? "warn" : "good"}>{on ? t.on : t.off}</Mark>
            {may("policy.manage") ? <Button onClick={() => setAsking(true)} danger={!on} aria-label={title ? `${order}: ${title}` : order}>{order}</Button> : <span className="faint">{t.onlyAdmin}</span>}
            <ReasonDialog open={asking} title={title ? `${order}: ${title}` : order} hint={hint} close={() => setAsking(false)} danger={!on}
              submit={async (reason) => {
                await change({ [name]: !on }, reason);
                setAsking(false);
              }} />
          </div>
        );
      }}
    </Answer>
  );
}

interface Rules { face: string; pia: string; filing: string; usual: string; longest: string }
const HOURS_4 = 14_400, DAY = 86_400;
const minutes = (value: unknown, otherwise: number): string => String(Math.round((typeof value === "number" ? value : otherwise) / 60));

function rulesOf(policy: Record<string, unknown>): Rules {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const face = policy["face_enrolment"];
  return { face: face === true ? "on" : face === false ? "off" : "", pia: text(policy["pia_id"]), filing: text(policy["face_filing"]), usual: minutes(policy["mode_default_s"], HOURS_4), longest: minutes(policy["mode_max_s"], DAY) };
}

/** What one estate decides for itself: new faces and the papers for them, and how long doors stay locked or open. */
export function RulesPanel(): ReactNode {
  const t = useWords().settings;
  const { may } = useSession();
  const [editing, setEditing] = useState<Rules | null>(null);
  return (
    <Panel id="estate-rules" title={t.estateRules}>
      <p className="faint">{t.estateRulesHint}</p>
      <Answer query={usePolicy()} rows={2}>
        {({ policy }) => {
          const now = rulesOf(policy);
          const facts: [string, string][] = [[t.faceEnrolment, now.face === "on" ? t.on : now.face === "off" ? t.off : now.pia ? t.faceOpen : t.faceUnset], [t.piaId, now.pia || t.unset], [t.faceFiling, now.filing || t.unset], [t.modeDefault, now.usual], [t.modeMax, now.longest]];
          return (
            <>
              <dl className="facts one">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
              {may("policy.manage") ? <Button onClick={() => setEditing(now)}>{t.editRules}</Button> : <span className="faint">{t.onlyAdmin}</span>}
              {editing ? <EditRules before={now} close={() => setEditing(null)} /> : null}
            </>
          );
        }}
      </Answer>
    </Panel>
  );
}

function EditRules({ before, close }: { before: Rules; close: () => void }): ReactNode {
  const t = useWords().settings;
  const change = useChange();
  const [now, setNow] = useState(before);
  const put = (some: Partial<Rules>): void => setNow({ ...now, ...some });
  const wrong = (): boolean => [now.usual, now.longest].some((value) => !/^[1-9]\d{0,3}$/.test(value) || Number(value) > 1440) || Number(now.usual) > Number(now.longest);
  const send = async (reason: string): Promise<void> => {
    const told: Record<string, unknown> = {};
    if (now.face !== before.face && now.face) told["face_enrolment"] = now.face === "on";
    if (now.pia !== before.pia) told["pia_id"] = now.pia.trim();
    if (now.filing !== before.filing) told["face_filing"] = now.filing.trim();
    if (now.usual !== before.usual) told["mode_default_s"] = Number(now.usual) * 60;
    if (now.longest !== before.longest) told["mode_max_s"] = Number(now.longest) * 60;
    await change(told, reason);
    close();
  };
  const options = [...(before.face ? [] : [{ value: "", label: before.pia ? t.faceOpen : t.faceUnset }]), { value: "on", label: t.on }, { value: "off", label: t.off }];
  const field = (id: keyof Rules, label: string): ReactNode => <label className="dialog-field"><span>{label}</span><Input value={now[id]} maxLength={100} autoComplete="off" onChange={(event) => put({ [id]: event.target.value })} /></label>;
  return (
    <ReasonDialog open title={t.editRules} hint={t.estateRulesHint} close={close} submit={send} missing={() => (wrong() ? t.minutesWrong : "")}>
      <div className="dialog-field"><span id="rule-faces">{t.faceEnrolment}</span><Select aria-labelledby="rule-faces" style={{ width: "100%" }} value={now.face} onChange={(face) => put({ face })} options={options} /></div>
      {field("pia", t.piaId)}{field("filing", t.faceFiling)}{field("usual", t.modeDefault)}{field("longest", t.modeMax)}
    </ReasonDialog>
  );
}
