/** "Read back now": asks the device what it holds, and says what came of it. Nothing is changed on it. */

import { App, Button } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useCommand } from "../../api/queries";
import type { DeviceItem } from "../../api/types";
import { useTold, useWords } from "../../i18n";
import { StateMark } from "../../ui/Mark";

export function ReadBack({ device }: { device: DeviceItem }): ReactNode {
  const { sync: t, common } = useWords();
  const { message } = App.useApp();
  const [sent, setSent] = useState<string | null>(null);
  const ask = async (): Promise<void> => {
    try {
      const path = `/devices/${encodeURIComponent(device.id)}/commands`;
      setSent((await call<{ id: string }>(path, { method: "POST", body: { kind: "read_back", reason: t.readBackReason } })).id);
    } catch (error) {
      void message.error((error instanceof ApiError && error.message) || common.noAnswer);
    }
  };
  return (
    <span className="tools">
      <Button size="small" disabled={!device.edge_online} onClick={() => void ask()} aria-label={`${t.readBackNow}: ${device.name}`}>{t.readBackNow}</Button>
      {sent ? <Outcome key={sent} id={sent} /> : null}
    </span>
  );
}

function Outcome({ id }: { id: string }): ReactNode {
  const { sync: t, words } = useWords();
  const told = useTold();
  const [ended, setEnded] = useState(false);
  const { data } = useCommand(id, !ended);
  if (data?.outcome && !ended) setEnded(true);
  return (
    <span role="status" data-testid="read-back" data-outcome={data?.outcome ?? ""}>
      {data?.outcome ? <StateMark state={data.outcome} words={words.readBackOutcome} /> : t.reading}{" "}
      <span className="faint">{data?.outcome && data.outcome !== "done" ? told(data.outcome_text, data.outcome_text_en) : ""}</span>
    </span>
  );
}
