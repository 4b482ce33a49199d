/** Passes as they happen, calmly: newest first, at most 100, still while somebody reads. */

import { Button } from "antd";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useFeedStart } from "../../api/queries";
import type { EventItem } from "../../api/types";
import * as format from "../../format";
import { useSaid, useWords, word } from "../../i18n";
import { addPasses, type FeedRow, type Gap, isGap, useFeed } from "../../live/feed";
import { useZone } from "../../session";
import { StateMark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { Snapshot } from "../../ui/Snapshot";

/** The rows to show, and how many newer ones wait behind them. */
function useHeld(still: boolean): { rows: readonly FeedRow[]; waiting: number } {
  const newest = useFeed();
  const [held, setHeld] = useState(newest);
  useEffect(() => {
    if (!still) setHeld(newest);
  }, [still, newest]);
  if (!still) return { rows: newest, waiting: 0 };
  const known = new Set(held.map((row) => row.id));
  const fresh = new Map(newest.map((row) => [row.id, row]));
  return { rows: held.map((row) => fresh.get(row.id) ?? row), waiting: newest.filter((row) => !known.has(row.id)).length };
}

export function Feed(): ReactNode {
  const t = useWords().live;
  const [paused, setPaused] = useState(false);
  const [resting, setResting] = useState(false);
  const start = useFeedStart();
  const { rows, waiting } = useHeld(paused || resting);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (start.data) addPasses(start.data.items);
  }, [start.data]);

  const catchUp = (): void => {
    setPaused(false);
    setResting(false);
    box.current?.scrollTo({ top: 0 });
  };
  const extra = (
    <>
      {waiting > 0 ? <Button size="small" type="primary" onClick={catchUp} data-testid="new-events">{t.newEvents(waiting)}</Button> : null}
      {resting && !paused ? <span className="faint">{t.hoverPaused}</span> : null}
      <Button size="small" aria-pressed={paused} onClick={() => (paused ? catchUp() : setPaused(true))}>{paused ? t.resume : t.pause}</Button>
    </>
  );
  return (
    // The whole panel, not the rows alone: on the way to the button the feed must not run on and take the button away.
    <div onMouseEnter={() => setResting(true)} onMouseLeave={() => setResting(false)}>
      <Panel id="feed" title={t.feed} live extra={extra} className="feed-panel">
        <Answer query={start} rows={12} empty={() => rows.length === 0} emptyText={t.feedEmpty}>
          {() => (
            <div className="feed" ref={box} tabIndex={0} role="group" aria-label={t.feed}
              onFocus={(event) => setResting(event.currentTarget === event.target)} onBlur={() => setResting(false)}>
              <FeedTable rows={rows} />
            </div>
          )}
        </Answer>
      </Panel>
    </div>
  );
}

function FeedTable({ rows }: { rows: readonly FeedRow[] }): ReactNode {
  const t = useWords().live.feedColumns;
  return (
    <table className="plain">
      <thead><tr><th>{t.at}</th><th>{t.where}</th><th>{t.who}</th><th>{t.how}</th><th>{t.outcome}</th></tr></thead>
      <tbody>{rows.map((row) => (isGap(row) ? <GapRow key={row.id} gap={row} /> : <PassRow key={row.id} pass={row} />))}</tbody>
    </table>
  );
}

function GapRow({ gap }: { gap: Gap }): ReactNode {
  const t = useWords().live;
  const zone = useZone();
  const text = gap.to ? t.gap(format.time(gap.from, zone), format.time(gap.to, zone)) : t.gapNow;
  return <tr className="gap-row" data-testid="gap"><td colSpan={5}><span aria-hidden="true">⚡ </span>{text}</td></tr>;
}

function PassRow({ pass }: { pass: EventItem }): ReactNode {
  const { live: t, words } = useWords();
  const said = useSaid();
  const zone = useZone();
  const where = pass.access_point_name ?? pass.device_name;
  return (
    <tr data-testid="pass">
      <td className="num">
        {format.clock(pass.at, zone)}
        {pass.late ? <span className="late" title={t.lateHint}>{t.late}</span> : null}
      </td>
      <td>{where} <span className="faint">{pass.direction && pass.direction !== "unknown" ? format.unlessSaid(where, word(words.direction, pass.direction)) : ""}</span></td>
      <td>{pass.holder ?? <span className="faint">{t.unknownHolder}</span>}</td>
      <td>{word(words.identifier, pass.identifier)}</td>
      <td>
        <StateMark state={pass.outcome} words={words.outcome} />
        {pass.reason_zh && pass.outcome !== "granted" && pass.outcome !== "taken" ? <span className="faint"> {said("denial", pass.reason, pass.reason_zh)}</span> : null}
        {pass.snapshot ? <Snapshot of={pass} sha256={pass.snapshot} label={t.imageOf(pass.access_point_name ?? pass.device_name, format.time(pass.at, zone))} /> : null}
      </td>
    </tr>
  );
}
