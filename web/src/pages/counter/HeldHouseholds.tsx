/** Every household that an action which waits would take something from, page by page: who confirms has seen them all. */

import { useQuery } from "@tanstack/react-query";
import { Button, Pagination } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { HeldAction, HeldHouseholds as Households } from "../../api/types";
import { useWords } from "../../i18n";
import { Answer } from "../../ui/Panel";

const PAGE = 50;

export function HeldHouseholds({ item }: { item: HeldAction }): ReactNode {
  const { counter: t } = useWords();
  const [open, setOpen] = useState(false);
  if (item.kind !== "tenancy.upload") return null;
  return (
    <>
      <Button size="small" type="link" aria-expanded={open} onClick={() => setOpen(!open)}>{t.households}</Button>
      {open ? <Pages id={item.id} /> : null}
    </>
  );
}

function Pages({ id }: { id: string }): ReactNode {
  const { counter: t, tenancy: w } = useWords();
  const [page, setPage] = useState(1);
  const query = useQuery<Households>({
    queryKey: ["held-households", id, page],
    queryFn: ({ signal }) => call(`/held-actions/${encodeURIComponent(id)}/households?offset=${(page - 1) * PAGE}&limit=${PAGE}`, { signal }),
  });
  return (
    <Answer query={query} rows={3} empty={(d) => d.total === 0} emptyText={t.householdsNone}>
      {(d) => (
        <div data-testid="held-households" data-total={d.total}>
          <ul className="bullets">
            {d.items.map((one) => (
              <li key={one.dwelling_code}>
                <strong>{one.dwelling_code}</strong> {w.loses} {one.loses.map((loss) => `${loss.name} ${t.lost[loss.what] ?? loss.what}`.trim()).join(w.comma)}
              </li>
            ))}
          </ul>
          {d.total > PAGE ? <Pagination size="small" current={page} pageSize={PAGE} total={d.total} showSizeChanger={false} onChange={setPage} /> : null}
        </div>
      )}
    </Answer>
  );
}
