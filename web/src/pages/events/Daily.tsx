/** Passes a day over a month. */

import type { EChartsOption } from "echarts";
import { type ReactNode, useMemo } from "react";
import { usePassesDaily } from "../../api/queries";
import type { PassDays } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { Chart } from "../../ui/Chart";
import { ChartOrTable } from "../../ui/ChartOrTable";
import { Answer, Panel } from "../../ui/Panel";

export default function Daily(): ReactNode {
  const t = useWords().events;
  return (
    <Panel id="daily" title={t.daily}>
      <Answer query={usePassesDaily(30)} empty={(d) => d.days.length === 0}>{(d) => <Bars days={d.days} />}</Answer>
    </Panel>
  );
}

function Bars({ days }: { days: PassDays["days"] }): ReactNode {
  const { events: t, dwelling } = useWords();
  const option = useMemo<EChartsOption>(() => ({
    aria: { enabled: true, decal: { show: true } }, grid: { left: 48, right: 8, top: 30, bottom: 24 }, tooltip: { trigger: "axis" }, legend: { top: 0, textStyle: { color: "#1f1f1f" } },
    xAxis: { type: "category", data: days.map((day) => day.day.slice(5)), axisLabel: { color: "#4a4a4a" } }, yAxis: { type: "value", axisLabel: { color: "#4a4a4a" } },
    series: [
      { type: "bar", stack: "all", name: t.passes, data: days.map((day) => day.passes), itemStyle: { color: "#009E73" } },
      { type: "bar", stack: "all", name: t.denied, data: days.map((day) => day.denied), itemStyle: { color: "#D55E00" } },
    ],
  }), [days, t]);
  const table = {
    head: [dwelling.day, t.passes, t.denied, dwelling.coverage],
    rows: days.toReversed().map((day) => [day.day, format.number(day.passes), format.number(day.denied), format.percent(day.coverage)]),
  };
  return <ChartOrTable label={t.daily} table={table} chart={<Chart option={option} height={180} label={t.dailyAria(days.length)} />} />;
}
