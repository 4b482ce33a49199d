/** Staff and contractors by role, and hours of the day: who has which role, until when, on which devices. */

import { Tabs } from "antd";
import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import { useWords } from "../../i18n";
import { Assignments } from "./Assignments";
import { Roles } from "./Roles";
import { Schedules } from "./Schedules";

export function StaffPage(): ReactNode {
  const { staff: t } = useWords();
  const [params, setParams] = useSearchParams();
  return (
    <>
      <h1>{t.title}</h1>
      <Tabs activeKey={params.get("tab") ?? "people"} onChange={(tab) => setParams({ tab }, { replace: true })} destroyOnHidden
        items={[{ key: "people", label: t.people, children: <Assignments /> }, { key: "roles", label: t.roles, children: <Roles /> }, { key: "hours", label: t.schedules, children: <Schedules /> }]} />
    </>
  );
}
