/** What each day looked like, and what was used. A day not covered is hatched: it is not a day of absence. */

import type { EChartsOption } from "echarts";
import { type ReactNode, useMemo } from "react";
import { usePresence } from "../../api/queries";
import type { Presence as Data } from "../../api/types";
import * as format from "../../format";
import { useLanguage, useWords, word } from "../../i18n";
import { Chart } from "../../ui/Chart";
import { ChartOrTable } from "../../ui/ChartOrTable";
import { Answer, Panel } from "../../ui/Panel";

const STATES = ["present", "absent", "other_use", "unknown"] as const;
const COLORS = { present: "#009E73", absent: "#E69F00", other_use: "#56B4E9", unknown: "#f4f4f4" } as const;
const HATCH = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4, color: "#777" } as const;

export default function Presence({ dwellingId }: { dwellingId: string }): ReactNode {
  const t = useWords().dwelling;
  const query = usePresence(dwellingId);
  return (
    <>
      <Panel id="presence" title={t.presence} extra={<span className="faint">{t.presenceLegend}</span>}>
        <Answer query={query} empty={(p) => p.days.length === 0}>{(p) => <Calendar presence={p} />}</Answer>
      </Panel>
      <Panel id="usage" title={t.meters}>
        <Answer query={query} empty={(p) => p.meters.length === 0} emptyText={t.metersEmpty}>
          {(p) => <div className="two">{p.meters.map((meter, i) => <Usage key={meter.quantity + String(i)} meter={meter} days={p.days.map((day) => day.day)} />)}</div>}
        </Answer>
      </Panel>
    </>
  );
}

function signalText(signals: object, names: Record<string, string>): string {
  return Object.entries(names).map(([key, name]) => `${name} ${format.number((signals as Record<string, number | null>)[key], 3)}`).join(", ");
}

function calendarOption(presence: Data, language: "zh" | "en", states: Record<string, string>): EChartsOption {
  return {
    aria: { enabled: true, decal: { show: false } },
    tooltip: { formatter: (p) => {
      const [day, , coverage, state] = (p as unknown as { value: [string, number, number, string] }).value;
      return `${day}<br>${states[state] ?? state}<br>${format.percent(coverage)}`;
    } },
    visualMap: {
      type: "piecewise", orient: "horizontal", left: 0, bottom: 0, dimension: 1, itemSymbol: "rect",
      pieces: STATES.map((state, value) => ({ value, label: states[state] ?? state, color: COLORS[state] })), textStyle: { color: "#1f1f1f" },
    },
    calendar: {
      range: [presence.from_day, presence.to_day], cellSize: ["auto", 15], top: 24, left: 40, right: 8, splitLine: { lineStyle: { color: "#888" } },
      itemStyle: { borderColor: "#fff", borderWidth: 2 }, yearLabel: { show: false },
      dayLabel: { firstDay: 1, nameMap: language === "zh" ? "ZH" : "EN", color: "#4a4a4a" }, monthLabel: { nameMap: language === "zh" ? "ZH" : "EN", color: "#4a4a4a" },
    },
    series: {
      type: "heatmap", coordinateSystem: "calendar",
      data: presence.days.map(({ day, state, coverage }) => ({
        value: [day, Math.max(0, (STATES as readonly string[]).indexOf(state)), coverage, state] as unknown as number[],
        ...(state === "unknown" ? { itemStyle: { decal: HATCH, borderColor: "#bbb", borderWidth: 1 } } : {}),
      })),
    },
  } as EChartsOption;
}

function Calendar({ presence }: { presence: Data }): ReactNode {
  const { dwelling: t, words } = useWords();
  const { language } = useLanguage();
  const count = (state: string): number => presence.days.filter((day) => day.state === state).length;
  const label = t.presenceAria(presence.days.length, count("present"), count("absent"), count("unknown"));
  const option = useMemo(() => calendarOption(presence, language, words.presence), [presence, language, words]);
  const table = {
    head: [t.day, t.status, t.coverage, t.signals],
    rows: presence.days.toReversed().map((day) => [day.day, word(words.presence, day.state), format.percent(day.coverage), signalText(day.signals, t.signalNames)]),
  };
  return <ChartOrTable label={t.presence} table={table} chart={<Chart option={option} height={190} label={label} />} />;
}

/** `days`: every day shown; one without a reading stays empty, which is not zero. */
function Usage({ meter, days }: { meter: Data["meters"][number]; days: string[] }): ReactNode {
  const { dwelling: t, words } = useWords();
  const name = word(words.quantity, meter.quantity);
  const unit = words.quantityUnit[meter.quantity] ?? "";
  const read = useMemo(() => new Map(meter.days.map(({ day, value }) => [day, value])), [meter]);
  const option = useMemo<EChartsOption>(() => ({
    aria: { enabled: true }, grid: { left: 44, right: 8, top: 28, bottom: 24 }, tooltip: { trigger: "axis" },
    xAxis: { type: "category", data: days.map((day) => day.slice(5)), axisLabel: { color: "#4a4a4a" } },
    yAxis: { type: "value", name: unit, nameTextStyle: { color: "#4a4a4a" }, axisLabel: { color: "#4a4a4a" } },
    series: { type: "bar", name, data: days.map((day) => read.get(day) ?? "-"), itemStyle: { color: meter.quantity === "water" ? "#0072B2" : "#D55E00" } },
  }), [meter, days, read, name, unit]);
  return (
    <div>
      <h3>{name} ({unit})</h3>
      <ChartOrTable label={name} chart={<Chart option={option} height={170} label={t.meterAria(name, meter.days.length)} />}
        table={{ head: [t.day, `${name} ${unit}`], rows: days.toReversed().map((day) => [day, format.number(read.get(day), 3)]) }} />
    </div>
  );
}
