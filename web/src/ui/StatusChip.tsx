/** A dwelling's status: colour, glyph and text. */

import type { ReactNode } from "react";
import type { DwellingStatus } from "../api/types";
import { useWords, word } from "../i18n";
import { FILL } from "../status";

export function StatusChip({ status }: { status: DwellingStatus }): ReactNode {
  const { words } = useWords();
  return (
    <span data-testid="status" data-status={status}>
      <span className="glyph" aria-hidden="true" style={FILL[status] ?? FILL.unknown}>{words.glyph[status]}</span> {word(words.status, status)}
    </span>
  );
}
