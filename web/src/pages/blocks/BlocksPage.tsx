/** Every dwelling of the estate by block and floor, coloured by what is known of it. */

import { Drawer } from "antd";
import { type ReactNode, useCallback, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { useBlocks } from "../../api/queries";
import type { Block, Blocks, Cell, DwellingStatus } from "../../api/types";
import { useWords } from "../../i18n";
import { useSession } from "../../session";
import { FILL, STATUSES } from "../../status";
import { Answer, Panel } from "../../ui/Panel";
import { BlockGrid } from "./BlockGrid";
import { Glance } from "./Glance";

/** How high a block is before it was drawn, in px: its title, and each floor. */
const HEAD = 80;
const FLOOR = 29;

interface Chosen { cell: Cell; block: Block }

export function BlocksPage(): ReactNode {
  const t = useWords().blocks;
  const [params, setParams] = useSearchParams();
  const filter = (params.get("status") ?? "") as DwellingStatus | "";
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [open, setOpen] = useState(false);
  const from = useRef<HTMLElement | null>(null);

  const show = useCallback((cell: Cell, block: Block): void => {
    from.current = document.activeElement as HTMLElement | null;
    setChosen({ cell, block });
    setOpen(true);
  }, []);
  return (
    <>
      <h1>{t.title}</h1>
      <Answer query={useBlocks()} rows={12} empty={(d) => d.blocks.length === 0} emptyText={t.empty}>
        {(d) => (
          <>
            <Legend blocks={d} filter={filter} choose={(status) => setParams(status ? { status } : {}, { replace: true })} />
            <div className="blocks">
              {d.blocks.map((block) => (
                <div className="block" key={block.id} style={{ containIntrinsicBlockSize: `auto ${HEAD + block.floors * FLOOR}px` }}>
                  <Panel id={`block-${block.code}`} title={block.name} live>
                    <BlockGrid block={block} filter={filter} open={show} />
                  </Panel>
                </div>
              ))}
            </div>
          </>
        )}
      </Answer>
      <Drawer open={open} onClose={() => setOpen(false)} afterOpenChange={(now) => !now && from.current?.focus()}
        title={chosen ? `${chosen.block.name} ${chosen.cell.number}` : t.drawer} size={400}>
        {chosen ? <Glance cell={chosen.cell} /> : null}
      </Drawer>
    </>
  );
}

function Legend({ blocks, filter, choose }: { blocks: Blocks; filter: string; choose: (status: DwellingStatus | "") => void }): ReactNode {
  const { blocks: t, words } = useWords();
  const { may } = useSession();
  const counts = new Map<DwellingStatus, number>();
  for (const block of blocks.blocks) for (const { status } of block.dwellings) counts.set(status, (counts.get(status) ?? 0) + 1);
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  return (
    <Panel id="legend" title={t.legend} extra={<span className="faint">{t.keys}</span>}>
      <div className="legend" role="group" aria-label={t.legend}>
        <button type="button" aria-pressed={filter === ""} onClick={() => choose("")}>
          <span className="glyph" aria-hidden="true">∗</span>{t.totals(total)}
        </button>
        {STATUSES.filter((status) => may("case.view") || !status.startsWith("suspected")).map((status) => (
          <button type="button" key={status} aria-pressed={filter === status} data-status={status} onClick={() => choose(filter === status ? "" : status)}>
            <span className="glyph" aria-hidden="true" style={FILL[status]}>{words.glyph[status]}</span>
            {words.status[status]} {t.count(counts.get(status) ?? 0)}
          </button>
        ))}
      </div>
    </Panel>
  );
}
