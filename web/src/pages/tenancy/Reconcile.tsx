/** Both sides compared: the whole source is read again, nothing is changed, and the report can be taken along. */

import { useQuery } from "@tanstack/react-query";
import { Button, Drawer } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { Reconciliation } from "../../api/types";
import * as format from "../../format";
import { useLanguage, useWords, useSaid } from "../../i18n";
import { useZone } from "../../session";
import { PlainTable } from "../../ui/ChartOrTable";
import { Mark } from "../../ui/Mark";
import { Answer } from "../../ui/Panel";

export function Reconcile({ source }: { source: string }): ReactNode {
  const { reconcile: t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" aria-label={`${t.open}: ${source}`} onClick={() => setOpen(true)}>{t.open}</Button>
      <Drawer open={open} onClose={() => setOpen(false)} title={`${t.title} · ${source}`} size={900} destroyOnHidden>{open ? <Report source={source} /> : null}</Drawer>
    </>
  );
}

function Report({ source }: { source: string }): ReactNode {
  const { reconcile: t } = useWords();
  const path = `/tenancy/sources/${encodeURIComponent(source)}/reconciliation`;
  const query = useQuery({ queryKey: ["reconciliation", source], queryFn: ({ signal }) => call<Reconciliation>(path, { signal }), staleTime: 0, gcTime: 0 });
  return (
    <>
      <p className="tools">
        <Button size="small" loading={query.isFetching} onClick={() => void query.refetch()}>{t.again}</Button>
        <a href={`/api/v1${path}/file?format=xlsx`} download>{t.download("XLSX")}</a><a href={`/api/v1${path}/file?format=csv`} download>{t.download("CSV")}</a>
      </p>
      <Answer query={query} rows={8}>{(report) => <Shown report={report} />}</Answer>
    </>
  );
}

function Shown({ report }: { report: Reconciliation }): ReactNode {
  const said = useSaid();
  const { reconcile: t } = useWords();
  const { language } = useLanguage();
  const zone = useZone();
  const sides = ([["hub", report.hub], ["source", report.source], ["hubMembers", report.hub_members], ["sourceMembers", report.source_members]] as const)
    .map(([name, side]) => [t.sides[name], ...[side.total, side.agree, side.different, side.held, side.refused, side.only].map((n) => format.number(n))]);
  const parts: { title: string; head: string[]; rows: string[][] }[] = [
    { title: t.differences, head: [t.tenancy, t.dwelling, t.person, t.what, t.here, t.there], rows: report.differences.map((d) => [d.tenancy, d.dwelling_code, d.person, d.name, d.here, d.there]) },
    { title: t.onlyHere, head: [t.tenancy, t.dwelling, t.person], rows: report.only_here.map((one) => [one.tenancy, one.dwelling_code, one.person]) },
    { title: t.onlyThere, head: [t.tenancy, t.dwelling, t.person], rows: report.only_there.map((one) => [one.tenancy, one.dwelling_code, one.person]) },
    { title: t.refused, head: [t.record, t.why], rows: report.refused.map((one) => [one.key, said("reason", one.reason, one.reason_zh)]) },
    { title: t.twice, head: [t.what, t.where], rows: [...report.cards_twice, ...report.dwellings_twice].map((one) => [one.what, one.where.join(", ")]) },
    { title: t.peopleTwice, head: [t.person, t.where], rows: report.people_twice.map((one) => [one.names.join(", "), one.sources.join(", ")]) },
    { title: t.unknown, head: [t.dwelling], rows: report.dwellings_unknown.map((code) => [code]) },
  ];
  return (
    <div data-testid="reconciliation" data-agrees={report.agrees}>
      <p><Mark tone={report.agrees ? "good" : "warn"}>{language === "zh" ? report.said_zh : report.said}</Mark> <span className="faint">{format.dateTime(report.at, zone)}</span></p>
      <PlainTable label={t.title} head={t.sideHead} rows={sides} />
      {parts.filter((part) => part.rows.length).map((part) => <section key={part.title}><h3>{part.title} ({part.rows.length})</h3><PlainTable label={part.title} head={part.head} rows={part.rows} /></section>)}
    </div>
  );
}
