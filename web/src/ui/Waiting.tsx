/** For how long something has been going on, counting. */

import type { ReactNode } from "react";
import { useWords } from "../i18n";
import { useNow } from "../now";
import { Mark } from "./Mark";

/** A removal that takes longer is somebody's work, no longer the devices'. */
export const LATE_S = 60;

export function Elapsed({ since }: { since: string }): ReactNode {
  const { duration } = useWords().common;
  return <span className="num">{duration(Math.max(0, (useNow() - Date.parse(since)) / 1000))}</span>;
}

/** Red and said so beyond a minute. */
export function WaitingFor({ since }: { since: string }): ReactNode {
  const late = (useNow() - Date.parse(since)) / 1000 > LATE_S;
  return <span data-testid="waiting" data-late={late}><Mark tone={late ? "bad" : "info"}><Elapsed since={since} /></Mark></span>;
}

/** How long until something ends by itself. */
export function Remaining({ until }: { until: string }): ReactNode {
  const { duration, over } = useWords().common;
  const left = (Date.parse(until) - useNow()) / 1000;
  return <span className="num" role="timer">{left > 0 ? duration(left) : over}</span>;
}
