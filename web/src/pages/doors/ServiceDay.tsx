/** A day of an access point's service, empty: always, or still. */

import { Input } from "antd";
import { type ReactNode, useId } from "react";

interface Props { label: string; value: string; change: (day: string) => void; max?: string; help?: string }

export function ServiceDay({ label, value, change, max, help }: Props): ReactNode {
  const id = useId();
  return (
    <div className="dialog-field">
      <label htmlFor={id}>{label}</label>
      <div><Input id={id} type="date" value={value} max={max} allowClear aria-describedby={help ? `${id}-help` : undefined} onChange={(event) => change(event.target.value)} /></div>
      {help ? <span id={`${id}-help`} className="faint">{help}</span> : null}
    </div>
  );
}
