/** One block: floors from the top down, one tab stop, arrows move. */

import { type KeyboardEvent, memo, type ReactNode, useMemo, useRef, useState } from "react";
import type { Block, Cell, DwellingStatus } from "../../api/types";
import { useWords } from "../../i18n";
import { useStatus } from "../../live/cells";
import { FILL } from "../../status";

interface GridProps { block: Block; filter: string; open: (cell: Cell, block: Block) => void }

/** Rows from the top floor down, in each the dwellings by number. */
function rowsOf(block: Block): { floor: number; cells: Cell[] }[] {
  const floors = new Map<number, Cell[]>();
  for (const cell of block.dwellings) floors.set(cell.floor, [...(floors.get(cell.floor) ?? []), cell]);
  return [...floors].sort(([a], [b]) => b - a).map(([floor, cells]) => ({
    floor, cells: cells.toSorted((a, b) => a.number.localeCompare(b.number)),
  }));
}

const STEPS: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function target(key: string, row: number, column: number, rows: { cells: Cell[] }[]): [number, number] | null {
  const width = (at: number): number => rows[at]?.cells.length ?? 0;
  if (key === "Home") return [row, 0];
  if (key === "End") return [row, width(row) - 1];
  const step = STEPS[key];
  if (!step) return null;
  const nextRow = Math.min(Math.max(row + step[0], 0), rows.length - 1);
  return [nextRow, Math.min(Math.max(column + step[1], 0), width(nextRow) - 1)];
}

/** Remembered: opening one of ten thousand dwellings must not ask all the others. */
export const BlockGrid = memo(function BlockGrid({ block, filter, open }: GridProps): ReactNode {
  const t = useWords().blocks;
  const rows = useMemo(() => rowsOf(block), [block]);
  const [at, setAt] = useState<[number, number]>([0, 0]);
  const box = useRef<HTMLDivElement>(null);
  const widest = Math.max(block.dwellings_per_floor, ...rows.map((row) => row.cells.length));

  const move = (event: KeyboardEvent, row: number, column: number): void => {
    const next = target(event.key, row, column, rows);
    if (!next) return;
    event.preventDefault();
    setAt(next);
    box.current?.querySelector<HTMLElement>(`[data-at="${next.join("-")}"]`)?.focus();
  };
  return (
    <div className="floors" role="grid" aria-label={t.grid(block.name)} ref={box}>
      {rows.map(({ floor, cells }, row) => (
        <div className="floor" role="row" key={floor} style={{ gridTemplateColumns: `40px repeat(${widest}, minmax(0, 1fr))` }}>
          <span className="floor-name" role="rowheader">{t.floor(floor)}</span>
          {cells.map((cell, column) => (
            <GridCell key={cell.id} cell={cell} filter={filter} place={`${row}-${column}`} tab={at[0] === row && at[1] === column}
              open={() => { setAt([row, column]); open(cell, block); }} move={(event) => move(event, row, column)} />
          ))}
        </div>
      ))}
    </div>
  );
});

interface CellProps { cell: Cell; filter: string; place: string; tab: boolean; open: () => void; move: (event: KeyboardEvent) => void }

const GridCell = memo(function GridCell({ cell, filter, place, tab, open, move }: CellProps): ReactNode {
  const { blocks: t, words } = useWords();
  const status: DwellingStatus = useStatus(cell.id, cell.status);
  const fill = FILL[status] ?? FILL.unknown;
  const text = `${cell.number} ${words.status[status] ?? status}`;
  return (
    <span role="gridcell" style={{ display: "grid", minWidth: 0 }}>
      <button type="button" className={filter && filter !== status ? "cell dimmed" : "cell"} style={fill} data-at={place} data-status={status} data-dwelling={cell.id}
        tabIndex={tab ? 0 : -1} onClick={open} onKeyDown={move}
        title={`${text} · ${cell.last_pass_day ? t.lastPass(cell.last_pass_day) : t.noPass}`}>
        <span>{cell.number}</span><span className="sr-only">{words.status[status] ?? status}</span><span className="glyph-text" aria-hidden="true">{words.glyph[status]}</span>
      </button>
    </span>
  );
}, (a, b) => a.cell === b.cell && a.filter === b.filter && a.tab === b.tab && a.place === b.place);
