/** How long records of people are kept, why, and what the last run let go. */

import type { ReactNode } from "react";
import { useRetention } from "../../api/queries";
import { useTold, useWords } from "../../i18n";
import { PlainTable } from "../../ui/ChartOrTable";
import { Answer, Panel } from "../../ui/Panel";

export function RetentionPanel(): ReactNode {
  const { settings: t } = useWords();
  const told = useTold();
  return (
    <Panel id="retention" title={t.retention}>
      <p className="faint">{t.retentionHint}</p>
      <Answer query={useRetention()} empty={(d) => d.items.length === 0}>
        {(d) => (
          <PlainTable label={t.retention} head={t.retentionHead}
            rows={d.items.map(({ last, total, ...one }) => [told(one.title, one.title_en), one.days, told(one.basis, one.basis_en), last ? t.retentionRun(last.at.slice(0, 10), last.deleted, last.held) : t.retentionNever, total])} />
        )}
      </Answer>
    </Panel>
  );
}
