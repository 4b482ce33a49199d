/** The server's time. "For how long" must not depend on the clock of the computer somebody looks at. */

import { useEffect, useState } from "react";

const TOLERATED_MS = 2_000; // the header counts whole seconds, and an answer is on its way for a while
let ahead = 0;

/** `date`: the Date header of an answer. */
export function heardServer(date: string | null): void {
  const at = date ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(at)) return;
  const now = at - Date.now();
  if (Math.abs(now - ahead) > TOLERATED_MS) ahead = now;
}

/** Epoch ms by the server's clock. */
export const serverNow = (): number => Date.now() + ahead;

/** The server's time, drawn anew every `everyMs`. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
