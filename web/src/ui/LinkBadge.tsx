/** How the live connection stands: shape and text. */

import { Tooltip } from "antd";
import type { ReactNode } from "react";
import { useWords } from "../i18n";
import { useLink } from "../live/link";

const SHAPES = { connecting: "◌", live: "●", stale: "▲", reconnecting: "■" } as const;

export function LinkBadge(): ReactNode {
  const t = useWords().link;
  const { state } = useLink();
  return (
    <Tooltip title={t.hint[state]}>
      <span className={`link link-${state}`} role="status" data-testid="link" data-state={state} tabIndex={0}>
        <span aria-hidden="true">{SHAPES[state]}</span> {t[state]}
      </span>
    </Tooltip>
  );
}
