/** The estate's time, said out loud: a computer in another zone must not mislead anybody. */

import { type ReactNode, useEffect, useState } from "react";
import * as format from "../format";
import { useWords } from "../i18n";

export function Clock({ zone }: { zone: string }): ReactNode {
  const t = useWords().shell;
  const [now, setNow] = useState(() => new Date().toISOString());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date().toISOString()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="clock" data-testid="clock">
      {zone === "Asia/Shanghai" ? t.beijing : t.zoneTime(zone)} <time dateTime={now}>{format.dateTime(now, zone)}</time>
    </span>
  );
}
