/** A day and time of the estate's zone, whatever zone the computer has. */

import { DatePicker } from "antd";
import dayjs from "dayjs";
import type { ReactNode } from "react";
import * as format from "../format";
import { useZone } from "../session";

/** `value`: ISO, UTC. `labelled`: the id of its label. */
export function TimePick({ value, change, labelled }: { value: string; change: (at: string) => void; labelled: string }): ReactNode {
  const zone = useZone();
  return (
    <DatePicker aria-labelledby={labelled} style={{ width: "100%" }} showTime={{ format: "HH:mm" }} format="YYYY-MM-DD HH:mm" allowClear={false} needConfirm={false} inputReadOnly={false}
      value={dayjs(format.toLocal(value, zone))} onChange={(picked) => picked && change(format.fromLocal(picked.format("YYYY-MM-DDTHH:mm:ss"), zone))} />
  );
}
