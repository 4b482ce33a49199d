/** The household as everybody may see it, and their credentials as each device reports them. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Credential, Dwelling, Member } from "../../api/types";
import * as format from "../../format";
import { useWords, word, useSaid } from "../../i18n";
import { Mark, StateMark } from "../../ui/Mark";
import { OnDevices } from "../../ui/OnDevices";
import { Empty, Panel } from "../../ui/Panel";
import { Reveal } from "./Reveal";

export function Household({ dwelling }: { dwelling: Dwelling }): ReactNode {
  const t = useWords().dwelling;
  return (
    <Panel id="household" title={t.household}>
      {dwelling.household.length === 0 ? <Empty text={t.noHousehold} /> : (
        <>
          <Reveal dwellingId={dwelling.id} />
          {dwelling.household.map((member) => <MemberRow key={member.member_id} member={member} />)}
        </>
      )}
    </Panel>
  );
}

function MemberRow({ member }: { member: Member }): ReactNode {
  const said = useSaid();
  const { dwelling: t, onDevices } = useWords();
  return (
    <div className="member" data-testid="member">
      <div className="member-head">
        <strong className="big">{member.name}</strong> <Link to={`/explain?person=${encodeURIComponent(member.person_id)}`}>{onDevices.explain}</Link>
        <span>{said("relation", member.relation, member.relation_zh)}</span>
        <span className="faint">{t.idNumber} {member.id_last4 ? `**************${member.id_last4.slice(-4)}` : format.NONE}</span>
        <span className="faint">{t.absence(member.from_date, member.to_date ?? t.absenceOpen)}</span>
      </div>
      <div>
        <span className="faint">{t.consents} </span>
        {(["a", "b", "c"] as const).filter((purpose) => purpose in member.consents).map((purpose) => (
          <span key={purpose} style={{ marginRight: 12 }}>
            <Mark tone={member.consents[purpose] ? "good" : "none"}>{t.consent[purpose]} {member.consents[purpose] ? t.given : t.notGiven}</Mark>
          </span>
        ))}
      </div>
      {member.credentials.length === 0 ? <Mark tone="warn">{t.noCredential}</Mark> : member.credentials.map((credential) => (
        <CredentialRow key={credential.token} credential={credential} />
      ))}
    </div>
  );
}

function CredentialRow({ credential }: { credential: Credential }): ReactNode {
  const { words } = useWords();
  return (
    <div className="credential">
      <div className="member-head">
        <StateMark state={credential.state} words={words.credentialState} />
        {credential.state === "active" && credential.identifiers.length === 0 ? <Mark tone="warn">{words.noIdentifier}</Mark> : null}
        {credential.identifiers.map((identifier) => (
          <span key={identifier.type + identifier.masked}>{word(words.identifier, identifier.type)}{identifier.type === "face" ? "" : ` ${identifier.masked}`}</span>
        ))}
        {credential.ended_because ? <span className="faint">{word(words.endedBecause, credential.ended_because.replace("taken_back: ", "").split(":")[0])}</span> : null}
      </div>
      <OnDevices devices={credential.devices} who={credential.label} gone={credential.state !== "active"} />
    </div>
  );
}
