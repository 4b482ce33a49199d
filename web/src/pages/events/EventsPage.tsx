/** Search in what was recorded. The filters stand in the address, so a search can be passed on. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, DatePicker, Select } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { lazy, type ReactNode, Suspense } from "react";
import { useSearchParams } from "react-router";
import { call, query } from "../../api/client";
import { useDevices, useDoors } from "../../api/queries";
import type { EventPage } from "../../api/types";
import { midnight } from "../../format";
import { useWords } from "../../i18n";
import { useEstate } from "../../session";
import { EventTable } from "../../ui/EventTable";
import { Empty, Failure, Panel } from "../../ui/Panel";

const Daily = lazy(() => import("./Daily"));
const KINDS = ["access", "door", "meter", "camera", "observation", "edge", "unreadable"];
const OUTCOMES = ["granted", "taken", "not_taken", "denied"];

export function EventsPage(): ReactNode {
  const { events: t, common } = useWords();
  const [params, setParams] = useSearchParams();
  const set = (changes: Record<string, string>): void => {
    const next = new URLSearchParams(params);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    setParams(next, { replace: true });
  };
  return (
    <>
      <h1>{t.title}</h1>
      <Suspense fallback={null}><Daily /></Suspense>
      <Panel id="event-filters" title={t.filters} extra={<Button size="small" onClick={() => setParams({}, { replace: true })}>{common.reset}</Button>}>
        <Filters params={params} set={set} />
      </Panel>
      <Found params={params} />
    </>
  );
}

function Filters({ params, set }: { params: URLSearchParams; set: (changes: Record<string, string>) => void }): ReactNode {
  const { events: t, words } = useWords();
  const devices = useDevices().data?.items ?? [];
  const doors = useDoors().data?.items ?? [];
  const pick = (name: string, label: string, options: { value: string; label: string }[], width = 150): ReactNode => (
    <Select key={name} aria-label={label} placeholder={label} allowClear style={{ width }} value={params.get(name)} options={options}
      showSearch={{ optionFilterProp: "label" }} onChange={(value?: string) => set({ [name]: value ?? "" })} />
  );
  const day = (name: string): Dayjs | null => (params.get(name) ? dayjs(params.get(name)) : null);
  return (
    <div className="tools">
      {pick("kind", t.kind, KINDS.map((value) => ({ value, label: words.kind[value] ?? value })))}
      {pick("outcome", t.outcome, OUTCOMES.map((value) => ({ value, label: words.outcome[value] ?? value })))}
      {pick("access_point", t.point, doors.flatMap((door) => door.access_points).map((point) => ({ value: point.id, label: point.name })), 200)}
      {pick("device", t.device, devices.map((device) => ({ value: device.id, label: device.name })), 200)}
      <DatePicker.RangePicker aria-label={`${t.from} ${t.to}`} placeholder={[t.from, t.to]} value={[day("from"), day("to")]} allowEmpty={[true, true]}
        onChange={(range) => set({ from: range?.[0]?.format("YYYY-MM-DD") ?? "", to: range?.[1]?.format("YYYY-MM-DD") ?? "" })} />
    </div>
  );
}

function Found({ params }: { params: URLSearchParams }): ReactNode {
  const { events: t, common } = useWords();
  const { id, time_zone: zone } = useEstate();
  const filter = Object.fromEntries(["kind", "outcome", "access_point", "device", "dwelling"].map((name) => [name, params.get(name)]));
  const from = params.get("from");
  const to = params.get("to");
  const range = { from: from && midnight(from, zone), to: to && midnight(dayjs(to).add(1, "day").format("YYYY-MM-DD"), zone) };
  const found = useInfiniteQuery({
    queryKey: ["event-search", id, filter, range],
    queryFn: ({ pageParam, signal }) => call<EventPage>(`/estates/${encodeURIComponent(id)}/events${query({ ...filter, ...range, before: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: "", getNextPageParam: (page) => page.next_before,
  });
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel id="found" title={t.found} extra={<Button size="small" onClick={() => void found.refetch()} loading={found.isFetching}>{common.search}</Button>}>
      {found.error ? <Failure error={found.error} retry={() => void found.refetch()} /> : null}
      {found.isPending ? <p role="status">{common.loading}</p> : items.length === 0 && !found.error ? <Empty text={t.empty} /> : <EventTable items={items} />}
      {found.hasNextPage ? <Button onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>{common.more}</Button> : null}
    </Panel>
  );
}
