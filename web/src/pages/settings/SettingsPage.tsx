/** What governs the estate and how the system is: policy, pictures, audit, health, what could not be read. */

import { Tabs } from "antd";
import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import type { Permission } from "../../api/types";
import { useWords } from "../../i18n";
import { useSession } from "../../session";
import { Forbidden } from "../../ui/Panel";
import { Audit } from "./Audit";
import { EdgesPanel } from "./EdgesPanel";
import { DeadLettersPanel, HealthPanel, OutboxPanel } from "./Health";
import { FaceChecksPanel, PolicyPanel, RulesPanel, SnapshotsPanel } from "./Policy";
import { IntegrityPanel } from "./Integrity";
import { RetentionPanel } from "./Retention";
import { RuleRecordsPanel } from "./RuleRecords";
import { UsersPanel } from "./Users";

export function SettingsPage(): ReactNode {
  const { settings: t, ruleRecords, integrity } = useWords();
  const { may } = useSession();
  const [params, setParams] = useSearchParams();
  const tabs: { key: string; label: string; needs?: Permission; children: ReactNode }[] = [
    { key: "policy", label: t.policy, needs: "estate.view", children: <><PolicyPanel /><RulesPanel /><SnapshotsPanel /><FaceChecksPanel /><RetentionPanel /></> },
    { key: "rules", label: ruleRecords.title, needs: "case.view", children: <RuleRecordsPanel /> },
    { key: "integrity", label: integrity.title, needs: "audit.view", children: <IntegrityPanel /> },
    { key: "health", label: t.health, children: <><HealthPanel />{may("case.view") ? <OutboxPanel /> : null}</> },
    { key: "audit", label: t.audit, needs: "audit.view", children: <Audit /> },
    { key: "dead", label: t.dead, needs: "audit.view", children: <DeadLettersPanel /> },
    { key: "edges", label: t.edges, needs: "device.manage", children: <EdgesPanel /> },
    { key: "users", label: t.users, needs: "users.manage", children: <UsersPanel /> },
  ];
  const asked = params.get("tab");
  const shown = tabs.filter((tab) => !tab.needs || may(tab.needs));
  const active = shown.find((tab) => tab.key === asked)?.key ?? (tabs.some((tab) => tab.key === asked) ? "" : (shown[0]?.key ?? ""));
  return (
    <>
      <h1>{t.title}</h1>
      <Tabs activeKey={active} onChange={(tab) => setParams({ tab }, { replace: true })} destroyOnHidden
        items={shown.map(({ key, label, children }) => ({ key, label, children }))} />
      {active ? null : <Forbidden />}
    </>
  );
}
