/** Who did what and why; whether the chain of rows is whole. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { type ReactNode, useState } from "react";
import { call, query } from "../../api/client";
import type { AuditItem, AuditPage } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useEstate } from "../../session";
import { Mark } from "../../ui/Mark";
import { Empty, Failure, Panel } from "../../ui/Panel";
import { changeText } from "./auditText";

export function Audit(): ReactNode {
  const { settings: t, common } = useWords();
  const [actor, setActor] = useState("");
  const found = useInfiniteQuery({
    queryKey: ["audit", actor], queryFn: ({ pageParam, signal }) => call<AuditPage>(`/audit${query({ actor, before: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as number | null, getNextPageParam: (page) => page.next_before,
  });
  const pages = found.data?.pages ?? [];
  const items = pages.flatMap((page) => page.items);
  const whole = pages[0]?.chain_ok;
  const search = <Input.Search aria-label={t.actor} placeholder={t.actor} allowClear onSearch={setActor} style={{ width: 200 }} />;
  return (
    <Panel id="audit" title={t.audit} extra={search}>
      {whole === undefined ? null : <p><Mark tone={whole ? "good" : "bad"}>{whole ? t.chainOk : t.chainBroken}</Mark></p>}
      {found.error ? <Failure error={found.error} retry={() => void found.refetch()} /> : null}
      {found.isPending ? <p role="status">{common.loading}</p> : items.length === 0 && !found.error ? <Empty /> : <Rows items={items} />}
      {found.hasNextPage ? <Button onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>{common.more}</Button> : null}
    </Panel>
  );
}

function Rows({ items }: { items: AuditItem[] }): ReactNode {
  const words = useWords();
  const t = words.settings.auditColumns;
  const zone = useEstate().time_zone;
  return (
    <table className="plain">
      <thead><tr><th>{t.at}</th><th>{t.actor}</th><th>{t.reason}</th><th>{t.changes}</th></tr></thead>
      <tbody>
        {items.map((row) => (
          <tr key={row.id} data-testid="audit-row">
            <td className="num">{format.dateTime(row.at, zone)}</td><td title={row.actor}>{row.actor_name}</td><td>{row.reason}</td>
            <td>{row.changes.map((change, i) => <div key={i} title={JSON.stringify(change)}>{changeText(words, change).slice(0, 300)}</div>)}{row.withheld ? <div className="faint">{t.withheld(row.withheld)}</div> : null}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
