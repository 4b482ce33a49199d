/** Thirty days of what a device could observe. What no interval covers was not observed, and shows as hatched. */

import type { ReactNode } from "react";
import type { CoverageSpan } from "../../api/types";
import * as format from "../../format";
import { useTold, useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { StateMark } from "../../ui/Mark";
import { Empty } from "../../ui/Panel";

const SPAN_MS = 30 * 86_400_000;

/** What the hub found out beside what the device says of itself: it lies over an `ok`. */
const BESIDE = new Set(["wrong_map", "silent"]);

interface Part { left: number; width: number }
const shared = (one: Part, other: Part): number => Math.max(0, Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left));

export function CoverageBar({ spans }: { spans: CoverageSpan[] }): ReactNode {
  const { devices: t, words } = useWords();
  const told = useTold();
  const zone = useZone();
  if (spans.length === 0) return <Empty text={t.coverageEmpty} />;
  const now = Date.now();
  const start = now - SPAN_MS;
  const parts = spans.map((span) => {
    const from = Math.max(Date.parse(span.from_at), start);
    const to = span.to_at ? Date.parse(span.to_at) : now;
    return { ...span, left: (from - start) / SPAN_MS, width: Math.max(0, Math.min(to, now) - from) / SPAN_MS };
  });
  const over = parts.filter((part) => BESIDE.has(part.state));
  const ok = parts.filter((part) => part.state === "ok").reduce((sum, part) => sum + part.width - over.reduce((lost, one) => lost + shared(part, one), 0), 0);
  const odd = spans.filter((span) => span.state !== "ok").toReversed();
  return (
    <>
      <div className="coverage-bar" role="img" aria-label={t.coverageAria(format.percent(ok))}>
        {parts.map((part) => (
          <span key={part.from_at + part.state} className={`cov-${part.state}`} style={{ left: `${part.left * 100}%`, width: `${part.width * 100}%` }}
            title={`${word(words.coverage, part.state)} ${format.minute(part.from_at, zone)}`} />
        ))}
      </div>
      <p className="faint">{t.coverageAria(format.percent(ok))}</p>
      <ul className="rows">
        {odd.slice(0, 8).map((span) => (
          <li key={span.from_at + span.state}>
            <StateMark state={span.state} words={words.coverage} />
            <span className="num">{format.minute(span.from_at, zone)} – {span.to_at ? format.minute(span.to_at, zone) : t.ongoing}</span>
            <span className="faint">{told(span.reason_zh, span.reason_en)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
